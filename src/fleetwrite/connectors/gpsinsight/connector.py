"""The GPS Insight connector: which module does what."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Final

from fleetwrite.connectors.gpsinsight import lookup, outcomes, reading
from fleetwrite.connectors.gpsinsight.manifest import MANIFEST
from fleetwrite.connectors.gpsinsight.messages import send_message, translate_message
from fleetwrite.connectors.gpsinsight.methods import LIST_DRIVER_GROUPS, LOG_IN
from fleetwrite.connectors.gpsinsight.records import create_record, translate_record, update_record
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
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer

SESSION_LASTS_S: Final = 72_000
"""A session ends after "about a day to a week": twenty hours are less than about a day."""


class GpsInsightConnector(SessionConnector):
    """GPS Insight."""

    manifest = MANIFEST

    def translate(self, write: Write) -> Translation:
        """See `Connector.translate`.

        Raises:
            UnofferedWriteError: GPS Insight has no such write.
            UntranslatableWriteError: GPS Insight requires more, or can not hold something.
        """
        is_group = write.resource is ResourceEnum.GROUP_MESSAGE
        if is_group or not self.manifest.offers_write(write.resource, write.operation_type):
            raise UnofferedWriteError(
                f"GPS Insight offers no {write.operation_type.value} of a {write.resource.value} by its API."
            )
        return translate_message(write) if write.resource is ResourceEnum.MESSAGE else translate_record(write)

    def render(self, call: Call, login: Login) -> Request:
        """Logging in takes user name and password, any other call the session; all of it in the form."""
        if call.path == LOG_IN.path:
            fields = tuple((name, login.credentials[name]) for name in ("username", "password"))
        else:
            fields = tuple(login.session.items())
        return form_request(call, login, fields=fields)

    async def log_in(self, login: Login, session: Session) -> NewSession:
        """See `SessionConnector.log_in`."""
        del login
        call = LOG_IN.call()
        answer = await session.call(call)
        match read_json(answer.body):
            case {"head": {"status": "OK"}, "data": {"token": str(token)}} if token:
                return NewSession(values={"session_token": token}, lasts_s=SESSION_LASTS_S)
        error = outcomes.read_error(answer)
        # The envelope's own words: a status alone may come from somebody in between.
        if error is not None and error.code in outcomes.NO_LOGIN_CODES:
            raise LoginRefusedError(outcomes.describe(call, answer), answer)
        # Whatever this is, it may have a token in it that nobody may read in a log.
        reason = f"HTTP {answer.status} from GPS Insight to {call.path}: no session in the answer."
        raise ProviderAnswerError(reason if error is None else outcomes.describe(call, answer), answer)

    def is_login_refused(self, answer: HttpAnswer) -> bool:
        """See `SessionConnector.is_login_refused`."""
        return outcomes.is_login_refused(answer)

    def read_outcome(self, write: Write, call: Call, answer: HttpAnswer) -> Outcome:
        """See `Connector.read_outcome`."""
        return outcomes.read_outcome(write, call, answer)

    async def carry_out(self, write: Write, call: Call, session: WriteSession) -> Outcome:
        """See `Connector.carry_out`."""
        if write.resource is ResourceEnum.MESSAGE:
            return await send_message(write, call, session)
        return await (create_record if write.target is None else update_record)(write, call, session)

    async def look_up(self, write: Write, call: Call, session: Session, begun_ago: timedelta) -> Finding:
        """See `Connector.look_up`."""
        del call, begun_ago
        return await lookup.look_up(write, session)

    def list_records(
        self, resource: ResourceEnum, session: Session, cursor: str | None = None
    ) -> AsyncIterator[RecordPage]:
        """See `Connector.list_records`. There is no second page that a cursor could lead to."""
        del cursor
        return reading.list_records(resource, session)

    async def check_login(self, session: Session) -> Mapping[str, Any]:
        """A list that is short. It names no account.

        Raises:
            LoginRefusedError: GPS Insight does not accept user name or password.
            ProviderAnswerError: any other answer that is no list.
        """
        try:
            await reading.read_rows(session, LIST_DRIVER_GROUPS.call())
        except ProviderAnswerError as error:
            told = outcomes.read_error(error.answer)
            # A session that is new by now, and without the right to this list: the login is known all the same.
            if told is None or told.code != outcomes.FORBIDDEN or isinstance(error, LoginRefusedError):
                raise
        return {}

    def account_of(self, login: Login, told: Mapping[str, Any]) -> str | None:
        """See `Connector.account_of`. Nothing tells the account: the user has to stand for it."""
        del told
        return f"user {login.credentials['username'].lower()}"


CONNECTOR: Final[SessionConnector] = GpsInsightConnector()
"""The one that the registry finds."""
