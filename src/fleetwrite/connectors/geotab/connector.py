"""The Geotab connector: which module does what."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from fleetwrite.connectors.geotab import endpoints, lookup, messages, outcomes, reading, rpc, updates
from fleetwrite.connectors.geotab.assets import translate_trailer, translate_vehicle
from fleetwrite.connectors.geotab.dvirs import translate_dvir
from fleetwrite.connectors.geotab.fuel import translate_fuel
from fleetwrite.connectors.geotab.manifest import MANIFEST
from fleetwrite.connectors.geotab.users import translate_user
from fleetwrite.connectors.sdk.connector import (
    LoginRefusedError,
    RecordPage,
    Session,
    SessionConnector,
    WriteSession,
)
from fleetwrite.connectors.sdk.outcome import Applied, Conflict, Finding, Found, Outcome, Rejected
from fleetwrite.connectors.sdk.wire import Login, NewSession, Request
from fleetwrite.connectors.sdk.write import Call, Translation, UnofferedWriteError, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer

_TRANSLATORS: Final[Mapping[ResourceEnum, Callable[[Write], Translation]]] = {
    ResourceEnum.VEHICLE: translate_vehicle,
    ResourceEnum.TRAILER: translate_trailer,
    ResourceEnum.USER: translate_user,
    ResourceEnum.MESSAGE: messages.translate_message,
    ResourceEnum.DVIR_LOG: translate_dvir,
    ResourceEnum.FUEL_TRANSACTION: translate_fuel,
}


class GeotabConnector(SessionConnector):
    """Geotab."""

    manifest = MANIFEST

    def translate(self, write: Write) -> Translation:
        """See `Connector.translate`.

        Raises:
            UnofferedWriteError: Geotab has no such write.
            UntranslatableWriteError: Geotab requires more, or can not hold something.
        """
        translator = _TRANSLATORS.get(write.resource)
        if translator is None or not self.manifest.offers_write(write.resource, write.operation_type):
            raise UnofferedWriteError(
                f"Geotab offers no {write.operation_type.value} of a {write.resource.value} by its API."
            )
        return translator(write)

    def render(self, call: Call, login: Login) -> Request:
        """See `Connector.render`."""
        return rpc.render(call, login)

    async def log_in(self, login: Login, session: Session) -> NewSession:
        """See `SessionConnector.log_in`."""
        del login
        return await rpc.log_in(session)

    def is_login_refused(self, answer: HttpAnswer) -> bool:
        """See `SessionConnector.is_login_refused`."""
        return super().is_login_refused(answer) or rpc.error_code(answer) == rpc.INVALID_USER

    async def check_login(self, session: Session) -> Mapping[str, Any]:
        """A count of the vehicles. A user may have no right to that: Geotab knows it all the same, and that will do.

        Raises:
            LoginRefusedError: Geotab does not accept user, password or database.
            ProviderAnswerError: any other answer that is none.
        """
        call = endpoints.COUNT_DEVICES.call()
        answer = await session.call(call)
        code = rpc.error_code(answer)
        if code in rpc.REFUSED_LOGINS:
            raise LoginRefusedError(rpc.describe(call, answer), answer)
        if code != lookup.FORBIDDEN:
            rpc.returned(call, answer)
        return {}

    def account_of(self, login: Login, told: Mapping[str, Any]) -> str | None:
        """See `Connector.account_of`. The database, of whose name Geotab does not heed the case."""
        del told
        return login.session["database"].lower()

    async def carry_out(self, write: Write, call: Call, session: WriteSession) -> Outcome:
        """See `Connector.carry_out`. What a call needs to know is read first; one call writes.

        Raises:
            ProviderAnswerError: what had to be read first could not be.
        """
        if write.target is not None:
            held = await updates.read(call, session)
            if held is None:
                return Rejected(
                    details=f"Geotab has no {write.resource.value} with id {write.target.source_id} any more"
                )
            call = updates.merged(call, held)
        elif write.resource is ResourceEnum.MESSAGE:
            addressed = await messages.addressed(call, session)
            if addressed is None:
                return Rejected(details=messages.no_vehicle(call))
            call = addressed
        else:
            call = updates.with_entity(call, updates.at_sending(rpc.entity_of(call)))
        answer = await session.call(call)
        outcome = self.read_outcome(write, call, answer)
        is_marked = write.target is None and write.resource in lookup.MARKED
        if is_marked and isinstance(outcome, Rejected) and outcomes.is_duplicate(answer):
            return _with_holder(outcome, await lookup.find_made(write, call, session))
        return outcome

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
        return reading.list_records(resource, session, cursor)


def _with_holder(refusal: Rejected, finding: Finding) -> Outcome:
    """What a refusal as a duplicate means: ours is there already, or a stranger's is in the way, who is named."""
    match finding:
        case Found():
            return Applied(source_id=finding.source_id, source_data=finding.source_data)
        case Conflict():
            return Rejected(details=f"{refusal.details} - {finding.source_id} has the same {finding.key}")
        case _:
            return refusal


CONNECTOR: Final[SessionConnector] = GeotabConnector()
