"""The request that a write would send, made to be shown: nothing secret is in it, and no seal is opened for it."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote_plus

import msgspec

from fleetwrite.connections.fields import base_url
from fleetwrite.connections.models import Connection
from fleetwrite.connectors.sdk.connector import Connector
from fleetwrite.connectors.sdk.wire import MASK, Login
from fleetwrite.connectors.sdk.write import Loss, Translation

_AUTHORISATION: Final = "authorization"


class PreviewedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP request as it would go out, with `*****` in the place of each secret.

    Attributes:
        query: names and values, in order.
        body: its text; null for none.
    """

    method: str
    url: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: str | None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a write would send.

    Attributes:
        request: the call that writes.
        times: how often it is made; more than once for a group message that is sent one by one: `request` is then the
            first.
        takes_more_calls: whether the provider may want others around it, such as a read before an update. What they
            bring is then not in `request`.
        budgets: the limits that the call falls under, by their scopes.
        losses: the fields that the provider can not hold.
    """

    request: PreviewedRequest
    times: int
    takes_more_calls: bool
    budgets: list[str]
    losses: list[Loss]


def preview(connector: Connector, connection: Connection, translation: Translation, *, times: int) -> Preview:
    """What a translated write would send through a connection; `times`: to so many recipients, one by one.

    Raises:
        BadConnectionFieldsError: the connector does not know the account's region any more.
    """
    manifest = connector.manifest
    secret_settings = {field.name for field in manifest.settings if field.sensitive}
    login = Login(
        base_url=base_url(manifest, connection.settings),
        credentials=connection.credentials_masked,
        settings={name: MASK if name in secret_settings else value for name, value in connection.settings.items()},
        session=manifest.session,
    )
    call = translation.with_secrets(dict.fromkeys(translation.wanted_secrets, MASK))
    request = connector.render(call, login)
    return Preview(
        request=PreviewedRequest(
            method=request.method,
            url=request.url,
            query=list(request.query),
            headers=_masked(request.headers),
            # In a form the mask is escaped, and nobody would know it again.
            body=None if request.body is None else request.body.decode().replace(quote_plus(MASK), MASK),
        ),
        times=times,
        takes_more_calls=type(connector).carry_out is not Connector.carry_out,
        budgets=list(call.scopes),
        losses=list(translation.losses),
    )


def _masked(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers; of an authorisation the scheme alone, as what it is made of may be encoded."""
    return {
        name: f"{value.partition(' ')[0]} {MASK}" if name.lower() == _AUTHORISATION else value
        for name, value in headers.items()
    }
