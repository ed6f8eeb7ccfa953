"""The interface that every connector implements, and the session through which it talks to its provider."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from fleetwrite.connectors.sdk.manifest import Manifest
from fleetwrite.connectors.sdk.outcome import Finding, Outcome
from fleetwrite.connectors.sdk.write import Call, Translation, Write
from fleetwrite.contract.enums import ResourceEnum
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

        Raises:
            NotSentError: surely nothing reached the provider.
            AnswerLostError: it may have reached the provider.
            SlotTimeoutError: no slot came free in time; nothing was sent.
        """
        ...


class SourceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A thing at the provider: its id there, our attributes of it, and the provider's own JSON."""

    resource: ResourceEnum
    source_id: str
    attributes: Mapping[str, Any]
    source_data: Mapping[str, Any]
    occurred_at: datetime | None = None


class Connector(Protocol):
    """One provider. Stateless: everything it needs comes with the call."""

    manifest: Manifest

    def translate(self, write: Write) -> Translation:
        """The provider's terms for `write`. Pure: the same write gives the same translation.

        Raises:
            UntranslatableWriteError: a field is missing that this provider requires, or can not be held by it.
            UnofferedWriteError: the provider has no such write, whatever the fields say.
        """
        ...

    def login_headers(self, credentials: Mapping[str, str]) -> Mapping[str, str]:
        """The headers that authorise a call with these credentials."""
        ...

    def read_outcome(self, write: Write, call: Call, answer: HttpAnswer) -> Outcome:
        """What `answer` to the writing call means."""
        ...

    def can_look_up(self, write: Write) -> bool:
        """Whether `look_up` can ever tell, so that an uncertain attempt need not be the end."""
        ...

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
        ...

    def list_records(self, resource: ResourceEnum, session: Session) -> AsyncIterator[Sequence[SourceRecord]]:
        """Every record of `resource` (vehicle, trailer or user) in the account, page by page.

        Raises:
            ProviderAnswerError: a page could not be read.
        """
        ...

    async def check_login(self, session: Session) -> Mapping[str, Any]:
        """Who the credentials belong to, by a cheap read; `id`, where the provider tells it, names the account.

        Raises:
            LoginRefusedError: the login is not accepted.
            ProviderAnswerError: the provider answered something else, which says nothing about the login.
        """
        ...
