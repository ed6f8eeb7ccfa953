"""How a call looks on the wire: the address, the login, the encoding. Pure functions from `Call` to `Request`."""

import base64
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from fleetwrite.connectors.sdk.write import Call

_JSON: Final = msgspec.json.Encoder(decimal_format="number")

MASK: Final = "*****"
"""Stands for a secret wherever one is shown; the one example that the contract has of it."""


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to call one account.

    Attributes:
        base_url: the address of the provider's API for this account, without a slash at its end.
        credentials: what the fleet entered, in the clear.
        settings: the connection's, by the names in the manifest.
        session: what logging in gave (a session id, an access token, a host), by the connector's own names; empty
            where calls carry the credentials themselves, and for the calls that log in.
    """

    base_url: str
    credentials: Mapping[str, str]
    settings: Mapping[str, str] = {}
    session: Mapping[str, str] = {}


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """What logging in gave.

    Attributes:
        values: kept sealed, and given to `Connector.render` with each call.
        lasts_s: for so many seconds; None: until the provider refuses it.
        credentials: what replaces the fleet's credentials from now on (a refresh token that works once); None: nothing.
    """

    values: Mapping[str, str]
    lasts_s: float | None = None
    credentials: Mapping[str, str] | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request, with all secrets in it. Only to be held while it is sent."""

    method: str
    url: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = {}
    body: bytes | None = None


def json_request(
    call: Call,
    login: Login,
    *,
    headers: Mapping[str, str] | None = None,
    query: Iterable[tuple[str, str]] = (),
    body: Mapping[str, object] | None = None,
    base_url: str | None = None,
) -> Request:
    """`call` with its body as JSON.

    Args:
        call: what to send.
        login: whose base URL is used.
        headers: those that authorise it.
        query: parameters that authorise it; they come before the call's own.
        body: takes the place of the call's body, where the login is part of it.
        base_url: takes the place of the login's, where logging in led to another host.
    """
    content = call.body if body is None else body
    encoded = None if content is None else _JSON.encode(content)
    kind = {} if encoded is None else {"Content-Type": "application/json"}
    return Request(
        method=call.method,
        url=(base_url or login.base_url) + call.path,
        query=(*query, *call.query),
        headers={"Accept": "application/json", **kind, **(headers or {})},
        body=encoded,
    )


def form_request(
    call: Call,
    login: Login,
    *,
    headers: Mapping[str, str] | None = None,
    fields: Iterable[tuple[str, str]] = (),
    accept: str = "application/json",
    base_url: str | None = None,
) -> Request:
    """`call` with its body as form fields; a field that is no text is written as JSON.

    `fields` authorise it; they come before the call's own. For the rest see `json_request`.
    """
    own = ((name, as_text(value)) for name, value in (call.body or {}).items())
    return Request(
        method=call.method,
        url=(base_url or login.base_url) + call.path,
        query=call.query,
        headers={"Accept": accept, "Content-Type": "application/x-www-form-urlencoded", **(headers or {})},
        body=urlencode([*fields, *own]).encode(),
    )


def as_text(value: object) -> str:
    """A value as a form field or a query parameter takes it: texts as they are, anything else as JSON."""
    return value if isinstance(value, str) else _JSON.encode(value).decode()


def bearer(token: str) -> dict[str, str]:
    """The header of a bearer token (RFC 6750)."""
    return {"Authorization": f"Bearer {token}"}


def basic(username: str, password: str) -> dict[str, str]:
    """The header of user name and password (RFC 7617), in UTF-8."""
    encoded = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}
