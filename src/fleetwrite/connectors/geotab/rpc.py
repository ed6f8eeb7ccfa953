"""JSON-RPC as Geotab speaks it: one address, errors in the body whatever the status, a session in the parameters.

See developers.geotab.com/myGeotab/guides/concepts.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, UnsetType

from fleetwrite.connectors.geotab.endpoints import AUTHENTICATE
from fleetwrite.connectors.sdk import outcome_table
from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError, Session
from fleetwrite.connectors.sdk.outcome_table import read_json
from fleetwrite.connectors.sdk.wire import Login, NewSession, Request, json_request
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.kit.egress import HttpAnswer

Entity = Mapping[str, Any]

PROVIDER: Final = "Geotab"

INVALID_USER: Final = "InvalidUserException"
"""Session or password are not accepted; nothing was looked at."""

REFUSED_LOGINS: Final = frozenset(
    {
        INVALID_USER,
        "InvalidMyAdminUserException",
        "ExpiredPasswordException",
        "CaptchaException",
        "RegistrationException",
    }
)
"""Errors that a person has to do something about at Geotab."""

_HERE: Final = "ThisServer"
_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")


class _ErrorData(msgspec.Struct):
    type: str | None = None


class _NamedError(msgspec.Struct):
    name: str | None = None
    message: str | None = None


class _Error(msgspec.Struct):
    message: str | None = None
    data: _ErrorData | None = None
    # The older form, which Geotab's own clients still read.
    errors: list[_NamedError] = []


class _Envelope(msgspec.Struct):
    result: msgspec.Raw | UnsetType = UNSET
    error: _Error | None = None


def _open(answer: HttpAnswer) -> _Envelope:
    """The envelope without looking into the result, which may be long; an empty one where there is none."""
    try:
        return msgspec.json.decode(answer.body, type=_Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Envelope()


def error_code(answer: HttpAnswer) -> str | None:
    """The class of Geotab's error; None where the body tells none."""
    error = _open(answer).error
    if error is None:
        return None
    if error.data is not None and error.data.type:
        return error.data.type
    return next((named.name for named in error.errors if named.name), "")


def has_result(answer: HttpAnswer) -> bool:
    """Whether an answer is one of Geotab's, and no error."""
    envelope = _open(answer)
    return envelope.error is None and envelope.result is not UNSET


def result(answer: HttpAnswer) -> Any:
    """What a method returned; None where it returned nothing, or the answer is no result."""
    raw = _open(answer).result
    return None if isinstance(raw, UnsetType) else read_json(bytes(raw))


def name_of(call: Call) -> str:
    """What people call a call: `Add Device`."""
    body = call.body or {}
    return " ".join(filter(None, (body.get("method"), body.get("params", {}).get("typeName"))))


def entity_of(call: Call) -> Entity:
    """What a call writes; empty where it writes nothing."""
    entity: Entity = (call.body or {}).get("params", {}).get("entity", {})
    return entity


def describe(call: Call, answer: HttpAnswer) -> str:
    """The call, the status, and Geotab's own words with the class of its error."""
    error, code = _open(answer).error, error_code(answer)
    message = None
    if error is not None:
        message = error.message or next((named.message for named in error.errors if named.message), "")
        message = f"{code}: {message}" if code else message
    return outcome_table.describe(PROVIDER, call, answer, message, name=name_of(call))


def render(call: Call, login: Login) -> Request:
    """`call` with the session in its parameters, at the host that logging in named."""
    body, session = call.body or {}, login.session
    params = {**body.get("params", {})}
    if body.get("method") == AUTHENTICATE.method:
        own = login.credentials
        params |= {"database": own["database"], "userName": own["username"], "password": own["password"]}
    else:
        params["credentials"] = {name: session[name] for name in ("database", "userName", "sessionId")}
    host = session.get("path", _HERE)
    base_url = login.base_url if host == _HERE else f"{urlsplit(login.base_url).scheme}://{host}"
    return json_request(call, login, body={**body, "params": params}, base_url=base_url)


async def log_in(session: Session) -> NewSession:
    """A session, and the host at which the database lives; it lasts until Geotab refuses it.

    Raises:
        LoginRefusedError: Geotab does not accept user, password or database.
        ProviderAnswerError: any other answer that brings no session.
    """
    call = AUTHENTICATE.call()
    answer = await session.call(call)
    if error_code(answer) in REFUSED_LOGINS:
        raise LoginRefusedError(describe(call, answer), answer)
    match result(answer):
        case {
            "credentials": {"database": str(database), "userName": str(user_name), "sessionId": str(session_id)},
            "path": str(path),
        } if _HOST.fullmatch(path):
            values = {"database": database, "userName": user_name, "sessionId": session_id, "path": path}
            return NewSession(values=values)
        case _ if has_result(answer):
            # Its body may hold a session: it is not shown.
            raise ProviderAnswerError("Geotab answered a login with neither a session nor a host.", answer)
        case _:
            raise ProviderAnswerError(describe(call, answer), answer)


def returned(call: Call, answer: HttpAnswer) -> Any:
    """What Geotab returns to a read.

    Raises:
        ProviderAnswerError: it answers something else.
    """
    if answer.status != 200 or not has_result(answer):
        raise ProviderAnswerError(describe(call, answer), answer)
    return result(answer)


def feed(call: Call, answer: HttpAnswer) -> tuple[Sequence[Entity], str]:
    """The entities that an answer to `GetFeed` tells, and the version behind them; raises what `returned` raises."""
    match returned(call, answer):
        case {"data": list(found), "toVersion": str(version)} if all(isinstance(item, dict) for item in found):
            return found, version
        case _:
            raise ProviderAnswerError(f"Geotab answered {name_of(call)} with something that is no feed.", answer)


def entities(call: Call, answer: HttpAnswer) -> Sequence[Entity]:
    """The entities that an answer to `Get` lists; raises what `returned` raises."""
    found = returned(call, answer)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ProviderAnswerError(f"Geotab answered {name_of(call)} with something that is no list.", answer)
    return found
