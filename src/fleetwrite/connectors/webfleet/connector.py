"""The Webfleet connector: which module does what."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from fleetwrite.connectors.sdk.connector import Connector, ProviderAnswerError, RecordPage, Session, WriteSession
from fleetwrite.connectors.sdk.outcome import Finding, Outcome
from fleetwrite.connectors.sdk.wire import Login, Request, basic, form_request, json_request
from fleetwrite.connectors.sdk.write import Call, Translation, UnofferedWriteError, Write
from fleetwrite.connectors.webfleet import actions, lookup, outcomes, reading
from fleetwrite.connectors.webfleet.drivers import create_driver, translate_driver
from fleetwrite.connectors.webfleet.manifest import MANIFEST
from fleetwrite.connectors.webfleet.messages import send_message, translate_message
from fleetwrite.connectors.webfleet.vehicles import translate_vehicle
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.kit.egress import HttpAnswer

_CREATE, _UPDATE = ResourceOperationTypeEnum.CREATE, ResourceOperationTypeEnum.UPDATE

_TRANSLATORS: Final[Mapping[tuple[ResourceEnum, ResourceOperationTypeEnum], Callable[[Write], Translation]]] = {
    (ResourceEnum.VEHICLE, _UPDATE): translate_vehicle,
    (ResourceEnum.USER, _CREATE): translate_driver,
    (ResourceEnum.USER, _UPDATE): translate_driver,
    (ResourceEnum.MESSAGE, _CREATE): translate_message,
}

_LISTS: Final[Mapping[ResourceEnum, Callable[[Session], AsyncIterator[RecordPage]]]] = {
    ResourceEnum.VEHICLE: reading.list_vehicles,
    ResourceEnum.USER: reading.list_drivers,
}

_FORMAT: Final = (("lang", "en"), ("outputformat", "json"), ("useUTF8", "true"), ("useISO8601", "true"))


class WebfleetConnector(Connector):
    """Webfleet."""

    manifest = MANIFEST

    def translate(self, write: Write) -> Translation:
        """See `Connector.translate`.

        Raises:
            UnofferedWriteError: Webfleet has no such write.
            UntranslatableWriteError: Webfleet requires more, or can not hold something.
        """
        translator = _TRANSLATORS.get((write.resource, write.operation_type))
        if translator is None:
            raise UnofferedWriteError(
                f"Webfleet offers no {write.operation_type.value} of a {write.resource.value} by its API."
            )
        return translator(write)

    def render(self, call: Call, login: Login) -> Request:
        """Account and API key go with the parameters, which Webfleet takes from the address and from a form alike."""
        account, _, user = login.credentials["username"].partition("/")
        headers = basic(user, login.credentials["password"])
        common = (("account", account), ("apikey", login.credentials["api_key"]), *_FORMAT)
        if call.body is None:
            return json_request(call, login, headers=headers, query=common)
        return form_request(call, login, headers=headers, fields=common)

    def read_outcome(self, write: Write, call: Call, answer: HttpAnswer) -> Outcome:
        """See `Connector.read_outcome`."""
        return outcomes.read_outcome(write, call, answer)

    async def carry_out(self, write: Write, call: Call, session: WriteSession) -> Outcome:
        """See `Connector.carry_out`."""
        if write.resource is ResourceEnum.MESSAGE:
            return await send_message(write, call, session)
        if write.target is None:
            return await create_driver(write, call, session)
        return await super().carry_out(write, call, session)

    async def look_up(self, write: Write, call: Call, session: Session, begun_ago: timedelta) -> Finding:
        """See `Connector.look_up`."""
        del begun_ago
        return await lookup.look_up(write, call, session)

    def list_records(
        self, resource: ResourceEnum, session: Session, cursor: str | None = None
    ) -> AsyncIterator[RecordPage]:
        """See `Connector.list_records`. There is no second page that a cursor could lead to."""
        del cursor
        return _LISTS[resource](session)

    async def check_login(self, session: Session) -> Mapping[str, Any]:
        """A report that is short and, unlike that of drivers, needed for nothing else. It names no account.

        Raises:
            LoginRefusedError: Webfleet does not accept account, user, password or API key.
            ProviderAnswerError: any other answer that is no report.
        """
        try:
            await reading.read_rows(session, actions.SHOW_DRIVER_GROUPS.read())
        except ProviderAnswerError as error:
            told = outcomes.read_error(error.answer)
            # Without the right to this report the login is known all the same.
            if told is None or told.code not in outcomes.NO_RIGHT_CODES:
                raise
        return {}

    def account_of(self, login: Login, told: Mapping[str, Any]) -> str | None:
        """See `Connector.account_of`. It is part of the login."""
        del told
        return login.credentials["username"].partition("/")[0].lower()


CONNECTOR: Final[Connector] = WebfleetConnector()
