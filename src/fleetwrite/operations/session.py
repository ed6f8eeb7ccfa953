"""The logged-in way to one provider account, on which every call waits for a slot in its budgets."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Protocol
from uuid import UUID

import msgspec

from fleetwrite.connections.fields import base_url
from fleetwrite.connections.models import Account
from fleetwrite.connectors.sdk.connector import Connector
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.kit.egress import Egress, HttpAnswer

_JSON: Final = msgspec.json.Encoder(decimal_format="number")


class Slots(Protocol):
    """Hands out the right to call, as dispatch does."""

    async def take_slot(self, owner_id: UUID, scopes: Sequence[str], within_s: float) -> None:
        """Wait for a slot in each budget; SlotTimeoutError when that takes too long."""
        ...


class ProviderSession:
    """Calls one account at one provider.

    Args:
        egress: the way out.
        slots: where each call gets its slot.
        account: whose credentials and base URL are used.
        connector: how to log in there.
        deadline_at: the event loop's time after which no call may be under way.
        timeout_s: after so many seconds the answer of a call counts as lost.
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
        *,
        deadline_at: float,
        timeout_s: float,
        prepaid: tuple[str, ...] | None = None,
    ) -> None:
        self._egress = egress
        self._slots = slots
        self._account = account
        self._base_url = base_url(connector.manifest, account.connection.settings)
        self._timeout_s = timeout_s
        self._headers: Mapping[str, str] = connector.login_headers(account.credentials)
        self._deadline_at = deadline_at
        self._prepaid = prepaid

    async def call(self, call: Call) -> HttpAnswer:
        """Send `call` when its budgets allow. For errors see `connectors.sdk.connector.Session`."""
        if self._prepaid == call.scopes:
            self._prepaid = None
        else:
            await self._slots.take_slot(self._account.connection.id, call.scopes, self._remaining_s())
        headers = {**self._headers, "Accept": "application/json"}
        body = None
        if call.body is not None:
            headers["Content-Type"] = "application/json"
            body = _JSON.encode(call.body)
        return await self._egress.request(
            call.method,
            self._base_url + call.path,
            headers=headers,
            params=call.query,
            body=body,
            timeout_s=min(self._timeout_s, max(self._remaining_s(), _LEAST_TIMEOUT_S)),
        )

    def _remaining_s(self) -> float:
        return max(0.0, self._deadline_at - asyncio.get_running_loop().time())


_LEAST_TIMEOUT_S: Final = 0.05
"""A call that got its slot just before the deadline still gets a moment, as the slot is spent."""
