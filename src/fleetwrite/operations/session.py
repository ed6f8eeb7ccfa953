"""The logged-in way to one provider account, on which every call waits for a slot in its budgets."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Protocol
from uuid import UUID

import msgspec

from fleetwrite.connections.fields import base_url
from fleetwrite.connections.models import Account
from fleetwrite.connections.outage_models import Reach
from fleetwrite.connectors.sdk.connector import Connector
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.kit.egress import AnswerLostError, Egress, ForbiddenUrlError, HttpAnswer, NotSentError

_JSON: Final = msgspec.json.Encoder(decimal_format="number")

_READING: Final = frozenset({"GET", "HEAD"})

_LEAST_TIMEOUT_S: Final = 0.05

_LATEST_S: Final = 1.0
"""Past the deadline by more than a moment, the claim may be another worker's by now."""

_NOT_OFFERED: Final = 501
"""The one 5xx that a host in good health answers with."""


class Slots(Protocol):
    """Hands out the right to call, as dispatch does."""

    async def take_slot(self, owner_id: UUID, scopes: Sequence[str], within_s: float) -> None:
        """Wait for a slot in each budget; SlotTimeoutError when that takes too long."""
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


class ProviderSession:
    """Calls one account at one provider.

    Args:
        egress: the way out.
        slots: where each call gets its slot.
        account: whose credentials and base URL are used.
        connector: how to log in there.
        patience: how long calls may take.
        prepaid: scopes for which one slot was taken already; used up by the first call that has them.

    Raises:
        SealBrokenError: the account's credentials can not be opened.
    """

    def __init__(
        self,
        egress: Egress,
        slots: Slots,
        account: Account,
        connector: Connector,
        patience: Patience,
        prepaid: tuple[str, ...] | None = None,
    ) -> None:
        self._egress = egress
        self._slots = slots
        self._owner_id = account.connection.id
        self._base_url = base_url(connector.manifest, account.connection.settings)
        self._headers: Mapping[str, str] = connector.login_headers(account.credentials)
        self._patience = patience
        self._prepaid = prepaid
        self.reach: Reach | None = None
        """How far the last call came; None: no call was made."""

    async def call(self, call: Call) -> HttpAnswer:
        """Send `call` when its budgets allow. For errors see `connectors.sdk.connector.Session`."""
        await self._wait_for_slot(call)
        headers = {**self._headers, "Accept": "application/json"}
        body = None
        if call.body is not None:
            headers["Content-Type"] = "application/json"
            body = _JSON.encode(call.body)
        patience = self._patience
        late_s = asyncio.get_running_loop().time() - patience.deadline_at
        if late_s > _LATEST_S:
            raise NotSentError(f"This process was held up: {late_s:.0f} s after its time an attempt sends nothing.")
        timeout_s = patience.read_timeout_s if call.method in _READING else patience.write_timeout_s
        # A call that got its slot just before the deadline still gets a moment, as the slot is spent.
        remaining_s = max(patience.deadline_at - asyncio.get_running_loop().time(), _LEAST_TIMEOUT_S)
        try:
            answer = await self._egress.request(
                call.method,
                self._base_url + call.path,
                headers=headers,
                params=call.query,
                body=body,
                timeout_s=min(timeout_s, remaining_s),
            )
        except ForbiddenUrlError:
            raise  # our own doing: it tells nothing about the host
        except (NotSentError, AnswerLostError):
            self.reach = Reach.FAILED
            raise
        self.reach = Reach.FAILED if answer.status >= 500 and answer.status != _NOT_OFFERED else Reach.ANSWERED
        return answer

    async def _wait_for_slot(self, call: Call) -> None:
        if self._prepaid == call.scopes:
            self._prepaid = None
            return
        remaining_s = self._patience.deadline_at - asyncio.get_running_loop().time()
        within_s = max(0.0, min(self._patience.slot_wait_s, remaining_s))
        await self._slots.take_slot(self._owner_id, call.scopes, within_s)
