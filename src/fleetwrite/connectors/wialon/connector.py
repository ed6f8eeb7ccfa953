"""The Wialon connector: which module does what."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from fleetwrite.connectors.sdk.connector import (
    LoginRefusedError,
    ProviderAnswerError,
    RecordPage,
    Session,
    SessionConnector,
    WriteSession,
)
from fleetwrite.connectors.sdk.outcome import Finding, Outcome
from fleetwrite.connectors.sdk.outcome_table import read_json
from fleetwrite.connectors.sdk.wire import Login, NewSession, Request, form_request
from fleetwrite.connectors.sdk.write import Call, Translation, UnofferedWriteError, Write
from fleetwrite.connectors.wialon import fuel, items, lookup, messages, outcomes, reading, units
from fleetwrite.connectors.wialon.manifest import MANIFEST
from fleetwrite.connectors.wialon.services import LOG_IN, OWN_ACCOUNT, OWN_USER, params_of, service_of
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer

_TRANSLATORS: Final[Mapping[ResourceEnum, Callable[[Write], Translation]]] = {
    ResourceEnum.VEHICLE: units.translate_vehicle,
    ResourceEnum.TRAILER: items.translate_trailer,
    ResourceEnum.USER: items.translate_user,
    ResourceEnum.MESSAGE: messages.translate_message,
    ResourceEnum.FUEL_TRANSACTION: fuel.translate_fuel,
}

_CARRIERS: Final[Mapping[ResourceEnum, Callable[[Write, Call, WriteSession], Awaitable[Outcome]]]] = {
    ResourceEnum.VEHICLE: units.carry_out,
    ResourceEnum.TRAILER: items.carry_out,
    ResourceEnum.USER: items.carry_out,
    ResourceEnum.MESSAGE: messages.carry_out,
    ResourceEnum.FUEL_TRANSACTION: fuel.carry_out,
}

_LISTS: Final[Mapping[ResourceEnum, Callable[[Session, str | None], AsyncIterator[RecordPage]]]] = {
    ResourceEnum.VEHICLE: reading.list_vehicles,
    ResourceEnum.TRAILER: reading.list_trailers,
    ResourceEnum.USER: reading.list_users,
}

SESSION_LASTS_S: Final = 240
"""Wialon ends a session after five minutes without a request. One that is never older than four was never idle so long,
so that the error for a lost session, which some services give another meaning, is not met in daily use."""

_LOGIN_FLAGS: Final = 0x1 | 0x2
"""The session's id, and who the user is."""

_LONGEST_ERROR: Final = 1024
"""An error's body is some words. Whatever is longer is not parsed only to find that it is none."""


class WialonConnector(SessionConnector):
    """Wialon."""

    manifest = MANIFEST

    def translate(self, write: Write) -> Translation:
        """See `Connector.translate`.

        Raises:
            UnofferedWriteError: Wialon has no such write.
            UntranslatableWriteError: Wialon requires more, or can not hold something.
        """
        translate = _TRANSLATORS.get(write.resource)
        if translate is None or not self.manifest.offers_write(write.resource, write.operation_type):
            raise UnofferedWriteError(
                f"Wialon offers no {write.operation_type.value} of a {write.resource.value} by its API."
            )
        return translate(write)

    def render(self, call: Call, login: Login) -> Request:
        """See `Connector.render`."""
        svc, params = service_of(call), params_of(call)
        for name, value in ((call.body or {}).get("own") or {}).items():
            if value in login.session:
                params[name] = int(login.session[value])
        fields: tuple[tuple[str, str], ...] = ()
        if svc == LOG_IN.svc:
            params["token"] = login.credentials["token"]
        elif "sid" in login.session:
            fields = (("sid", login.session["sid"]),)
        complete = msgspec.structs.replace(call, body={"svc": svc, "params": params})
        return form_request(complete, login, fields=fields)

    async def log_in(self, login: Login, session: Session) -> NewSession:
        """See `SessionConnector.log_in`."""
        del login
        call = LOG_IN.call({"fl": _LOGIN_FLAGS})
        answer = await session.call(call)
        match read_json(answer.body):
            case {"eid": str(sid), "user": {"id": int(user_id), "bact": int(account_id)}}:
                values = {"sid": sid, OWN_USER: str(user_id), OWN_ACCOUNT: str(account_id)}
                return NewSession(values=values, lasts_s=SESSION_LASTS_S)
            case document if outcomes.error_code(document) in outcomes.BAD_LOGIN:
                raise LoginRefusedError(outcomes.describe(call, answer), answer)
        raise ProviderAnswerError(outcomes.describe(call, answer), answer)

    def is_login_refused(self, answer: HttpAnswer) -> bool:
        """See `SessionConnector.is_login_refused`."""
        if len(answer.body) > _LONGEST_ERROR:
            return False
        return outcomes.error_code(read_json(answer.body)) in outcomes.NO_SESSION

    async def carry_out(self, write: Write, call: Call, session: WriteSession) -> Outcome:
        """See `Connector.carry_out`."""
        return await _CARRIERS[write.resource](write, call, session)

    def read_outcome(self, write: Write, call: Call, answer: HttpAnswer) -> Outcome:
        """See `Connector.read_outcome`."""
        return outcomes.read_outcome(write, call, answer)

    async def look_up(self, write: Write, call: Call, session: Session, begun_ago: timedelta) -> Finding:
        """See `Connector.look_up`."""
        return await lookup.look_up(write, call, session, begun_ago)

    def list_records(
        self, resource: ResourceEnum, session: Session, cursor: str | None = None
    ) -> AsyncIterator[RecordPage]:
        """See `Connector.list_records`."""
        return _LISTS[resource](session, cursor)

    async def check_login(self, session: Session) -> Mapping[str, Any]:
        """The account of the login. A user may lack the right to see it: Wialon knows the login all the same."""
        return await reading.read_own_account(session) or {}

    def account_of(self, login: Login, told: Mapping[str, Any]) -> str | None:
        """See `Connector.account_of`. Each data centre, and each server of somebody's own, counts its accounts anew."""
        del told
        return f"{urlsplit(login.base_url).netloc}/{login.session[OWN_ACCOUNT]}"


CONNECTOR: Final[SessionConnector] = WialonConnector()
