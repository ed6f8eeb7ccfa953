"""The Traccar connector: which module does what."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from fleetwrite.connectors.sdk.connector import (
    Connector,
    LoginRefusedError,
    ProviderAnswerError,
    RecordPage,
    Session,
    WriteSession,
)
from fleetwrite.connectors.sdk.outcome import Finding, Outcome
from fleetwrite.connectors.sdk.wire import Login, Request, bearer, json_request
from fleetwrite.connectors.sdk.write import Call, Translation, UnofferedWriteError, Write
from fleetwrite.connectors.traccar import lookup, outcomes, reading, records
from fleetwrite.connectors.traccar.endpoints import LIST_COMMAND_TYPES
from fleetwrite.connectors.traccar.manifest import MANIFEST
from fleetwrite.connectors.traccar.messages import send_message, translate_message
from fleetwrite.connectors.traccar.tokens import user_of
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer

_TRANSLATORS: Final[Mapping[ResourceEnum, Callable[[Write], Translation]]] = {
    ResourceEnum.VEHICLE: records.translate_vehicle,
    ResourceEnum.TRAILER: records.translate_trailer,
    ResourceEnum.USER: records.translate_user,
    ResourceEnum.MESSAGE: translate_message,
}


class TraccarConnector(Connector):
    """Traccar."""

    manifest = MANIFEST

    def translate(self, write: Write) -> Translation:
        """See `Connector.translate`.

        Raises:
            UnofferedWriteError: Traccar has no such write.
            UntranslatableWriteError: Traccar requires more, or can not hold something.
        """
        translate = _TRANSLATORS.get(write.resource)
        if translate is None:
            raise UnofferedWriteError(
                f"Traccar offers no {write.operation_type.value} of a {write.resource.value} by its API."
            )
        return translate(write)

    def render(self, call: Call, login: Login) -> Request:
        """See `Connector.render`."""
        return json_request(call, login, headers=bearer(login.credentials["token"]))

    def read_outcome(self, write: Write, call: Call, answer: HttpAnswer) -> Outcome:
        """See `Connector.read_outcome`."""
        return outcomes.read_outcome(write, call, answer)

    async def carry_out(self, write: Write, call: Call, session: WriteSession) -> Outcome:
        """See `Connector.carry_out`."""
        carry_out = send_message if write.resource is ResourceEnum.MESSAGE else records.carry_out
        return await carry_out(write, call, session)

    async def look_up(self, write: Write, call: Call, session: Session, begun_ago: timedelta) -> Finding:
        """See `Connector.look_up`."""
        del begun_ago
        return await lookup.look_up(write, call, session)

    def list_records(
        self, resource: ResourceEnum, session: Session, cursor: str | None = None
    ) -> AsyncIterator[RecordPage]:
        """See `Connector.list_records`."""
        return reading.list_records(session, resource, cursor)

    async def check_login(self, session: Session) -> Mapping[str, Any]:
        """The kinds of command are a short list, for which one has to be logged in.

        Raises:
            LoginRefusedError: the token is unknown or has expired, or its user is disabled.
            ProviderAnswerError: any other answer that is none.
        """
        try:
            await reading.fetch_list(session, LIST_COMMAND_TYPES.call())
        except ProviderAnswerError as error:
            if error.answer.status == 401:
                raise LoginRefusedError(str(error), error.answer) from error
            raise
        return {}

    def account_of(self, login: Login, told: Mapping[str, Any]) -> str | None:
        """See `Connector.account_of`. Each server counts its users anew."""
        del told
        user_id = user_of(login.credentials["token"])
        return None if user_id is None else f"{urlsplit(login.base_url).netloc}/{user_id}"


CONNECTOR: Final[Connector] = TraccarConnector()
