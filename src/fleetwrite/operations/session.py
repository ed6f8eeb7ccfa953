"""The logged-in way to one provider account, on which every call waits for a slot in its budgets."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Protocol
from uuid import UUID

import msgspec
import structlog

from fleetwrite.connections.logins import Logins
from fleetwrite.connections.models import Party
from fleetwrite.connections.outage_models import Reach
from fleetwrite.connectors.sdk.connector import Connector, SessionConnector
from fleetwrite.connectors.sdk.session import LoggedIn
from fleetwrite.connectors.sdk.wire import Login, NewSession
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.dispatch.models import Closing
from fleetwrite.kit.database import DATABASE_FAILURES
from fleetwrite.kit.egress import AnswerLostError, Egress, ForbiddenUrlError, HttpAnswer, NotSentError
from fleetwrite.kit.rate_limit_headers import REFUSALS, refused_s, spent_s
from fleetwrite.kit.retry_after import asked_wait_s

log = structlog.get_logger(__name__)

_LEAST_TIMEOUT_S: Final = 0.05

_LATEST_S: Final = 1.0
"""Past the deadline by more than a moment, the claim may be another worker's by now."""

_NOT_OFFERED: Final = 501
"""The one 5xx that a host in good health answers with."""


class Slots(Protocol):
    """Hands out the right to call, as dispatch does."""

    async def take_slot(self, owner_id: UUID, scopes: Sequence[str], within_s: float) -> tuple[str, ...]:
        """Wait for a slot in each budget; SlotTimeoutError when that takes too long.

        Returns the scopes among them that are barred: the call is to find out whether they still are.
        """
        ...

    async def close(self, owner_id: UUID, closing: Closing) -> None:
        """Close the budgets that an answer says are used up, for all processes."""
        ...


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long the calls of one attempt may take.

    Attributes:
        deadline_at: the event loop's time from which on no call is begun.
        slot_wait_s: how long to wait for a slot.
        write_timeout_s: after so many seconds the answer to a write counts as lost.
        read_timeout_s: the same for a read.
    """

    deadline_at: float
    slot_wait_s: float
    write_timeout_s: float
    read_timeout_s: float


class ProviderSession(LoggedIn):
    """Calls one account at one provider, for one attempt.

    Args:
        egress: the way out.
        slots: where each call gets its slot.
        logins: where a session comes from, at providers that want one.
        party: whose credentials and base URL are used.
        connector: how to log in there.
        patience: how long calls may take.
        prepaid: scopes for which one slot was taken already; used up by the first call that has them.
        made: the id of what an earlier attempt made.

    Raises:
        SealBrokenError: the account's credentials can not be opened.
        ConnectionDeletedError: they were destroyed.
        BadConnectionFieldsError: the account's region is unknown.
    """

    def __init__(
        self,
        egress: Egress,
        slots: Slots,
        logins: Logins,
        party: Party,
        connector: Connector,
        patience: Patience,
        *,
        prepaid: tuple[str, ...] | None = None,
        made: str | None = None,
    ) -> None:
        super().__init__(connector)
        self._egress = egress
        self._slots = slots
        self._logins = logins
        self._party = party
        self._patience = patience
        self._prepaid = prepaid
        self._login = party.login
        self._generation = 0
        if isinstance(connector, SessionConnector) and (kept := party.session) is not None:
            self._login = msgspec.structs.replace(self._login, session=kept.values)
            self._generation = kept.generation
        self.reach: Reach | None = None
        """How far the last call came; None: no call was made."""
        self.last_call: Call | None = None
        """The last call that was begun."""
        self.last_answer: HttpAnswer | None = None
        """What was answered to the last call that was; None: nothing was."""
        self.has_written = False
        """Whether a call was sent that may have changed something."""
        self.trials: tuple[str, ...] = ()
        """Barred scopes of calls that were made to find out whether they still are."""
        self.made_id = made
        """The id of what was made, as far as that is known."""

    @property
    def login(self) -> Login:
        """See `LoggedIn.login`."""
        return self._login

    def made(self, source_id: str) -> None:
        """See `connectors.sdk.connector.WriteSession`."""
        self.made_id = source_id

    async def renew(self, connector: SessionConnector) -> None:
        """See `LoggedIn.renew`."""
        remaining_s = self._patience.deadline_at - asyncio.get_running_loop().time()

        async def log_in(credentials: Mapping[str, str]) -> NewSession:
            made = await self.log_in(connector, credentials)
            self._login = msgspec.structs.replace(self._login, credentials=made.credentials or credentials)
            return made

        kept = await self._logins.renew(self._party, self._generation, log_in, max(0.0, remaining_s))
        # The slot that was taken with the claim lies too far back: another process may have the next one by now.
        self._prepaid = None
        self._generation = kept.generation
        self._login = msgspec.structs.replace(self._login, session=kept.values)

    async def send(self, call: Call, login: Login) -> HttpAnswer:
        """See `LoggedIn.send`."""
        await self._wait_for_slot(call)
        request = self._connector.render(call, login)
        patience = self._patience
        late_s = asyncio.get_running_loop().time() - patience.deadline_at
        if late_s > _LATEST_S:
            raise NotSentError(f"This process was held up: {late_s:.0f} s after its time an attempt sends nothing.")
        timeout_s = patience.read_timeout_s if call.is_read else patience.write_timeout_s
        # A call that got its slot just before the deadline still gets a moment, as the slot is spent.
        remaining_s = max(patience.deadline_at - asyncio.get_running_loop().time(), _LEAST_TIMEOUT_S)
        self.last_call, self.last_answer = call, None
        try:
            answer = await self._egress.request(
                request.method,
                request.url,
                headers=request.headers,
                params=request.query,
                body=request.body,
                timeout_s=min(timeout_s, remaining_s),
            )
        except ForbiddenUrlError:
            raise  # our own doing: it tells nothing about the host
        except NotSentError:
            self.reach = Reach.FAILED
            raise
        except AnswerLostError:
            self.reach = Reach.FAILED
            self.has_written = self.has_written or not call.is_read
            raise
        self.last_answer = answer
        self.has_written = self.has_written or not (call.is_read or self._is_unheard(answer))
        self.reach = Reach.FAILED if answer.status >= 500 and answer.status != _NOT_OFFERED else Reach.ANSWERED
        await self._heed(call, answer)
        return answer

    def _is_unheard(self, answer: HttpAnswer) -> bool:
        """Whether the provider did not even look at a call."""
        return isinstance(self._connector, SessionConnector) and self._connector.is_login_refused(answer)

    async def _wait_for_slot(self, call: Call) -> None:
        # A look at the provider may come before the call that is paid for. Without its slot that had to wait for the
        # next one, which at a few calls a minute is longer than an attempt may: it would never be made.
        if self._prepaid == call.scopes:
            self._prepaid = None
            return
        remaining_s = self._patience.deadline_at - asyncio.get_running_loop().time()
        within_s = max(0.0, min(self._patience.slot_wait_s, remaining_s))
        self.trials += await self._slots.take_slot(self._party.id, call.scopes, within_s)

    async def _heed(self, call: Call, answer: HttpAnswer) -> None:
        """Close at once what an answer says is used up, before the next call runs into it.

        A throttled write says so by its outcome, which knows the provider better and is stored with the attempt.
        """
        is_refused = answer.status in REFUSALS
        if is_refused and not call.is_read and (answer.status == 429 or asked_wait_s(answer.headers) is not None):
            return
        for_s = refused_s(answer.headers) if is_refused else spent_s(answer.headers)
        if not for_s:
            return
        closing = Closing(for_s=for_s, call=call.scopes, is_refusal=is_refused and call.is_read)
        try:
            await self._slots.close(self._party.id, closing)
        except DATABASE_FAILURES as error:
            # What the call came to matters more. Should the limit be met after all, the provider says so again.
            log.warning("operations.closing_not_stored", scopes=call.scopes, for_s=for_s, error=str(error))
