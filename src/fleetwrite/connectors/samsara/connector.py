"""The Samsara connector: which module does what."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from fleetwrite.connectors.samsara import endpoints, lookup, outcomes, reading
from fleetwrite.connectors.samsara.assets import translate_trailer, translate_vehicle
from fleetwrite.connectors.samsara.dvirs import translate_dvir
from fleetwrite.connectors.samsara.fuel import translate_fuel
from fleetwrite.connectors.samsara.login import (
    REVOKE_PATH,
    TOKEN_PATH,
    log_in,
    render_login,
    render_revocation,
    revocation,
)
from fleetwrite.connectors.samsara.manifest import MANIFEST
from fleetwrite.connectors.samsara.messages import translate_group_message, translate_message
from fleetwrite.connectors.samsara.users import translate_user
from fleetwrite.connectors.sdk.connector import (
    LoginRefusedError,
    ProviderAnswerError,
    RecordPage,
    Session,
    SessionConnector,
)
from fleetwrite.connectors.sdk.oauth import ACCESS_TOKEN
from fleetwrite.connectors.sdk.outcome import Finding, Outcome
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
    ResourceEnum.DVIR_LOG: translate_dvir,
    ResourceEnum.FUEL_TRANSACTION: translate_fuel,
}

_LISTS: Final[Mapping[ResourceEnum, Callable[[Session, str | None], AsyncIterator[RecordPage]]]] = {
    ResourceEnum.VEHICLE: reading.list_vehicles,
    ResourceEnum.TRAILER: reading.list_trailers,
    ResourceEnum.USER: reading.list_users,
}


class SamsaraConnector(SessionConnector):
    """Samsara."""

    manifest = MANIFEST

    def translate(self, write: Write) -> Translation:
        """See `Connector.translate`.

        Raises:
            UnofferedWriteError: Samsara has no such write.
            UntranslatableWriteError: Samsara requires more, or can not hold something.
        """
        if not self.manifest.offers_write(write.resource, write.operation_type):
            raise UnofferedWriteError(
                f"Samsara offers no {write.operation_type.value} of a {write.resource.value} by its API."
            )
        return _TRANSLATORS[write.resource](write)

    def render(self, call: Call, login: Login) -> Request:
        """See `Connector.render`."""
        if call.path == TOKEN_PATH:
            return render_login(call, login)
        if call.path == REVOKE_PATH:
            return render_revocation(call, login)
        token = login.session.get(ACCESS_TOKEN) or login.credentials["token"]
        return json_request(call, login, headers=bearer(token))

    def needs_session(self, login: Login) -> bool:
        """See `SessionConnector.needs_session`. A token that the fleet made goes with every call as it is."""
        return "token" not in login.credentials

    async def log_in(self, login: Login, session: Session) -> NewSession:
        """See `SessionConnector.log_in`."""
        return await log_in(login, session)

    def revocation(self, login: Login) -> Call | None:
        """See `SessionConnector.revocation`."""
        return revocation(login)

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
        """The organisation. A token may lack the scope for that: Samsara knows it all the same, and that will do.

        Raises:
            LoginRefusedError: Samsara does not know the token.
            ProviderAnswerError: any other answer that is none.
        """
        try:
            document = await reading.fetch(session, endpoints.GET_ORGANIZATION.call())
        except ProviderAnswerError as error:
            if error.answer.status == 401:
                raise LoginRefusedError(str(error), error.answer) from error
            if error.answer.status == 403:
                return {}
            raise
        organization = document.get("data")
        return organization if isinstance(organization, dict) else document


CONNECTOR: Final[SessionConnector] = SamsaraConnector()
