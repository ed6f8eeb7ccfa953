"""The Zonar connector: which module does what."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from fleetwrite.connectors.sdk.connector import Connector, RecordPage, Session, WriteSession
from fleetwrite.connectors.sdk.outcome import Finding, Outcome
from fleetwrite.connectors.sdk.wire import Login, Request, form_request
from fleetwrite.connectors.sdk.write import Call, Translation, UnofferedWriteError, Write
from fleetwrite.connectors.zonar import lookup, outcomes, reading, records
from fleetwrite.connectors.zonar.manifest import MANIFEST
from fleetwrite.connectors.zonar.messages import translate_message
from fleetwrite.connectors.zonar.operations import SHOW_ASSET_TYPES
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer

_TRANSLATORS: Final[Mapping[ResourceEnum, Callable[[Write], Translation]]] = {
    ResourceEnum.VEHICLE: records.translate_vehicle,
    ResourceEnum.TRAILER: records.translate_trailer,
    ResourceEnum.USER: records.translate_user,
    ResourceEnum.MESSAGE: translate_message,
}


class ZonarConnector(Connector):
    """Zonar."""

    manifest = MANIFEST

    def translate(self, write: Write) -> Translation:
        """See `Connector.translate`.

        Raises:
            UnofferedWriteError: Zonar has no such write.
            UntranslatableWriteError: Zonar requires more, or can not hold something.
        """
        translate = _TRANSLATORS.get(write.resource)
        if translate is None:
            raise UnofferedWriteError(
                f"Zonar offers no {write.operation_type.value} of a {write.resource.value} by its API."
            )
        return translate(write)

    def render(self, call: Call, login: Login) -> Request:
        """Who calls stands among the parameters; in a form, so that it is in no address that somebody logs."""
        credentials = login.credentials
        fields = (
            ("customer", credentials["company_id"]),
            ("username", credentials["username"]),
            ("password", credentials["password"]),
            ("format", "xml"),
        )
        return form_request(call, login, fields=fields, accept="text/xml")

    def read_outcome(self, write: Write, call: Call, answer: HttpAnswer) -> Outcome:
        """See `Connector.read_outcome`."""
        return outcomes.read_outcome(write, call, answer)

    async def carry_out(self, write: Write, call: Call, session: WriteSession) -> Outcome:
        """See `Connector.carry_out`."""
        if write.resource is ResourceEnum.MESSAGE:
            return await super().carry_out(write, call, session)
        return await (records.create if write.target is None else records.update)(write, call, session)

    async def look_up(self, write: Write, call: Call, session: Session, begun_ago: timedelta) -> Finding:
        """See `Connector.look_up`."""
        del begun_ago
        return await lookup.look_up(write, call, session)

    def list_records(
        self, resource: ResourceEnum, session: Session, cursor: str | None = None
    ) -> AsyncIterator[RecordPage]:
        """See `Connector.list_records`."""
        if resource is ResourceEnum.USER:
            return reading.list_operators(session)
        return reading.list_assets(session, resource, cursor)

    async def check_login(self, session: Session) -> Mapping[str, Any]:
        """The list of asset types is short. It names no account.

        Raises:
            LoginRefusedError: Zonar does not accept customer, user or password.
            ProviderAnswerError: any other answer that is no such list.
        """
        await reading.read_list(session, SHOW_ASSET_TYPES.read(), "assettypelist")
        return {}

    def account_of(self, login: Login, told: Mapping[str, Any]) -> str | None:
        """See `Connector.account_of`. It is part of the login."""
        del told
        return login.credentials["company_id"].lower()


CONNECTOR: Final[Connector] = ZonarConnector()
