"""The base of every connector, and the session through which it talks to its provider."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol
from uuid import UUID

import msgspec

from fleetwrite.connectors.sdk.manifest import Manifest
from fleetwrite.connectors.sdk.outcome import Finding, Outcome
from fleetwrite.connectors.sdk.wire import Login, NewSession, Request
from fleetwrite.connectors.sdk.write import Call, SourceReference, Translation, Write
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import VehicleUpdate
from fleetwrite.kit.egress import HttpAnswer
from fleetwrite.kit.errors import FleetwriteError


class ProviderAnswerError(FleetwriteError):
    """A read at the provider failed; `answer` is what it said."""

    def __init__(self, message: str, answer: HttpAnswer) -> None:
        super().__init__(message)
        self.answer = answer


class LoginRefusedError(ProviderAnswerError):
    """The provider does not accept the connection's login."""


class Session(Protocol):
    """A logged-in way to one account at one provider. Every call waits for a slot in each of its budgets."""

    async def call(self, call: Call) -> HttpAnswer:
        """Send `call` and return the answer, whatever its status.

        A session that the provider does not know any more is replaced, and the call sent once more.

        Raises:
            NotSentError: surely nothing reached the provider.
            AnswerLostError: it may have reached the provider.
            SlotTimeoutError: no slot came free in time; nothing was sent.
            LoginRefusedError: logging in anew was refused.
            ProviderAnswerError: logging in anew failed for another reason.
        """
        ...


class WriteSession(Session, Protocol):
    """The same, for the calls of one write."""

    def made(self, source_id: str) -> None:
        """Say that the thing exists at the provider with this id, though calls are left that complete it.

        From here on the write can not make a second one: should anything fail, the next attempt finds the id in
        `Write.made`, and makes only the calls that are left. Those must do no harm when they are made twice.
        """
        ...


class SourceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A thing at the provider: its id there, our attributes of it, and the provider's own JSON."""

    resource: ResourceEnum
    source_id: str
    attributes: Mapping[str, Any]
    source_data: Mapping[str, Any]
    occurred_at: datetime | None = None


class RecordPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a provider's list.

    Attributes:
        records: what is on it.
        cursor: hand it to `Connector.list_records` to go on behind this page. None on the last page of a list that has
            to be read from its beginning the next time; on the last page of one that tells changes, where these begin.
        is_last: whether the list ends here, for now.
        gone: ids of what the provider does not have any more, where it tells changes.
    """

    records: Sequence[SourceRecord]
    cursor: str | None
    is_last: bool
    gone: Sequence[str] = ()


class Connector(ABC):
    """One provider. Stateless: everything it needs comes with the call."""

    manifest: ClassVar[Manifest]

    @abstractmethod
    def translate(self, write: Write) -> Translation:
        """The provider's terms for `write`. Pure: the same write gives the same translation.

        Raises:
            UntranslatableWriteError: a field is missing that this provider requires, or can not be held by it.
            UnofferedWriteError: the provider has no such write, whatever the fields say.
        """

    @abstractmethod
    def render(self, call: Call, login: Login) -> Request:
        """`call` as it goes over the wire, authorised by `login`. Pure; see `fleetwrite.connectors.sdk.wire`."""

    @abstractmethod
    def read_outcome(self, write: Write, call: Call, answer: HttpAnswer) -> Outcome:
        """What `answer` to a call of `write` means."""

    @abstractmethod
    async def check_login(self, session: Session) -> Mapping[str, Any]:
        """Who the credentials belong to, by a cheap read; see `account_of`.

        Raises:
            LoginRefusedError: the login is not accepted.
            ProviderAnswerError: the provider answered something else, which says nothing about the login.
        """

    def consent_address(self, login: Login) -> str:
        """The address below which an account with these settings has `Manifest.consent`. Here: the API's own."""
        return login.base_url

    def account_of(self, login: Login, told: Mapping[str, Any]) -> str | None:
        """What names the account that a login leads to: no two accounts share it, and it outlives any credentials.

        New credentials take the place of others only where it is the same. Pure. Here: the `id` that the provider told.

        Args:
            login: as it stands after `check_login`, with its session.
            told: what that returned.

        Returns:
            None where nothing tells.
        """
        del login
        told_id = told.get("id")
        return None if told_id is None else str(told_id)

    @abstractmethod
    def list_records(
        self, resource: ResourceEnum, session: Session, cursor: str | None = None
    ) -> AsyncIterator[RecordPage]:
        """The records of `resource` in the account, page by page; for resources among `Manifest.listings`.

        Args:
            resource: what to list.
            session: the way there.
            cursor: where to go on, as an earlier page said; None: from the beginning.

        Raises:
            ProviderAnswerError: a page could not be read.
        """

    @abstractmethod
    async def look_up(self, write: Write, call: Call, session: Session, begun_ago: timedelta) -> Finding:
        """Whether `write` is at the provider, by what the provider lets us find it by.

        Args:
            write: what was to be written.
            call: how it was sent, without secrets.
            session: the way to ask.
            begun_ago: no attempt at it was begun longer ago than that. What the provider dates earlier is not ours. (A
                span, as our clock and the provider's need not agree.)

        Raises:
            ProviderAnswerError: the provider did not answer the question; ask again later.
        """

    def read_failure(self, call: Call, answer: HttpAnswer) -> Outcome:
        """What `answer` to a read means that brought not what was asked for: the same as to an update, as both may be
        repeated without harm.
        """
        nobody = UUID(int=0)
        update = Write(
            operation_id=nobody,
            resource=ResourceEnum.VEHICLE,
            operation_type=ResourceOperationTypeEnum.UPDATE,
            body=VehicleUpdate(connection_id=nobody),
            target=SourceReference("", {}),
        )
        return self.read_outcome(update, call, answer)

    async def carry_out(self, write: Write, call: Call, session: WriteSession) -> Outcome:
        """Make the calls that `write` takes, and say what came of it. Here: one call, and what its answer means.

        A connector whose provider wants more calls makes them here. The first that changes something at the provider is
        the only one that may do harm when it is made twice: what follows it comes after `WriteSession.made`. Calls
        before it only read. Errors of the session are left to the caller, who knows how far the calls came.

        Args:
            write: what to write; `write.made` is set when an earlier attempt got as far as to make it.
            call: as translated, with the made-up secrets in it.
            session: the way there.
        """
        return self.read_outcome(write, call, await session.call(call))

    def can_look_up(self, write: Write) -> bool:
        """Whether `look_up` can ever tell, so that an uncertain attempt need not be the end."""
        return self.manifest.can_be_looked_up(write.resource, write.operation_type)


class SessionConnector(Connector):
    """A provider whose calls carry what logging in gave (`LoginScheme.has_session`)."""

    @abstractmethod
    async def log_in(self, login: Login, session: Session) -> NewSession:
        """Get a session for an account.

        Args:
            login: without a session.
            session: the way there; its calls are rendered without a session, too.

        Raises:
            LoginRefusedError: the credentials are not accepted.
            ProviderAnswerError: the provider answered something else, which says nothing about the credentials.
        """

    def needs_session(self, login: Login) -> bool:
        """Whether calls with these credentials carry what logging in gave. Here: all do."""
        del login
        return True

    def revocation(self, login: Login) -> Call | None:
        """The call by which the provider forgets what the fleet consented to; None: there is none. Here: none."""
        del login
        return None

    def is_login_refused(self, answer: HttpAnswer) -> bool:
        """Whether the provider did not even look at a call, as it does not know the session any more."""
        return answer.status == 401
