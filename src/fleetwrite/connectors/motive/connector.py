"""The Motive connector: which module does what."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from fleetwrite.connectors.motive import lookup, outcomes, reading
from fleetwrite.connectors.motive.endpoints import GET_COMPANY, TOKEN_PATH
from fleetwrite.connectors.motive.fleet import translate_trailer, translate_vehicle
from fleetwrite.connectors.motive.fuel import translate_fuel
from fleetwrite.connectors.motive.login import log_in, oauth_address, render_login
from fleetwrite.connectors.motive.manifest import MANIFEST
from fleetwrite.connectors.motive.messages import translate_group_message, translate_message
from fleetwrite.connectors.motive.users import translate_user
from fleetwrite.connectors.sdk.connector import (
    LoginRefusedError,
    ProviderAnswerError,
    RecordPage,
    Session,
    SessionConnector,
    WriteSession,
)
from fleetwrite.connectors.sdk.outcome import Finding, Outcome, Rejected
from fleetwrite.connectors.sdk.outcome_table import read_json
from fleetwrite.connectors.sdk.wire import Login, NewSession, Request, bearer, json_request
from fleetwrite.connectors.sdk.write import Call, Translation, UnofferedWriteError, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer

_TRANSLATORS: Final[Mapping[ResourceEnum, Callable[[Write], Translation]]] = {
    ResourceEnum.VEHICLE: translate_vehicle,
    ResourceEnum.TRAILER: translate_trailer,
    ResourceEnum.USER: translate_user,
    ResourceEnum.MESSAGE: translate_message,
    ResourceEnum.GROUP_MESSAGE: translate_group_message,
    ResourceEnum.FUEL_TRANSACTION: translate_fuel,
}

_LISTS: Final[Mapping[ResourceEnum, Callable[[Session, str | None], AsyncIterator[RecordPage]]]] = {
    ResourceEnum.VEHICLE: reading.list_vehicles,
    ResourceEnum.TRAILER: reading.list_trailers,
    ResourceEnum.USER: reading.list_users,
}


class MotiveConnector(SessionConnector):
    """Motive, once KeepTruckin."""

    manifest = MANIFEST

    def translate(self, write: Write) -> Translation:
        """See `Connector.translate`.

        Raises:
            UnofferedWriteError: Motive has no such write.
            UntranslatableWriteError: Motive requires more, or can not hold something.
        """
        if not self.manifest.offers_write(write.resource, write.operation_type):
            raise UnofferedWriteError(
                f"Motive offers no {write.operation_type.value} of a {write.resource.value} by its API."
                + (" Drivers file inspections in its app." if write.resource is ResourceEnum.DVIR_LOG else "")
            )
        return _TRANSLATORS[write.resource](write)

    def render(self, call: Call, login: Login) -> Request:
        """See `Connector.render`."""
        if call.path == TOKEN_PATH:
            return render_login(call, login)
        return json_request(call, login, headers=bearer(login.session["access_token"]))

    def consent_address(self, login: Login) -> str:
        """See `Connector.consent_address`."""
        return oauth_address(login)

    async def log_in(self, login: Login, session: Session) -> NewSession:
        """See `SessionConnector.log_in`."""
        return await log_in(login, session)

    async def carry_out(self, write: Write, call: Call, session: WriteSession) -> Outcome:
        """One call; before an update with an external id a look at the one that it replaces."""
        if write.target is None:
            return await super().carry_out(write, call, session)
        complete = await lookup.complete_external_ids(write, call, session)
        if complete is None:
            return Rejected(details=f"Motive has no {write.resource.value} {write.target.source_id} any more.")
        return await super().carry_out(write, complete, session)

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
        """The company. An app may lack the right to read that: Motive knows it all the same, and that will do.

        Raises:
            LoginRefusedError: Motive does not know the login.
            ProviderAnswerError: any other answer that is none.
        """
        call = GET_COMPANY.call()
        answer = await session.call(call)
        match read_json(answer.body):
            case {"companies": [first, *_]} if answer.status == 200:
                company = outcomes.unwrap(first, "company") or {}
                return {**company, **({"id": str(company["id"])} if "id" in company else {})}
            case _ if answer.status == 401:
                raise LoginRefusedError(outcomes.describe(call, answer), answer)
            case _ if answer.status == 403:
                return {}
            case _:
                raise ProviderAnswerError(outcomes.describe(call, answer), answer)


CONNECTOR: Final[SessionConnector] = MotiveConnector()
