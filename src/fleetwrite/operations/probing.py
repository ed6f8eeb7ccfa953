"""Looks after what is not called for now: by a read, at growing intervals, one process at a time."""

import asyncio
from datetime import timedelta
from enum import Enum, auto
from typing import Final
from uuid import UUID

import structlog

from fleetwrite.connections.errors import BadConnectionFieldsError, ConnectionDeletedError
from fleetwrite.connections.logins import Logins
from fleetwrite.connections.models import Account
from fleetwrite.connections.outage_models import Cause, Reach
from fleetwrite.connections.outages import HostProbe, Outages
from fleetwrite.connections.service import ConnectionService
from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError
from fleetwrite.connectors.sdk.registry import Registry, UnknownTspError
from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.kit.database import Database
from fleetwrite.kit.egress import AnswerLostError, Egress, NotSentError
from fleetwrite.kit.polling import poll, safely
from fleetwrite.operations.session import Patience, ProviderSession, Slots
from fleetwrite.vault.errors import SealBrokenError

log = structlog.get_logger(__name__)

_NAME: Final = "probing"

POLL_S: Final = 1.0
"""How late a probe may be: little against the shortest interval."""

SLOT_WAIT_S: Final = 10.0
"""How long a probe waits for its slot: it is the one call of its connection, and has time."""

READS: Final = 2
"""A connector's look at the login takes so many reads at most."""

CLAIM_MARGIN_S: Final = 30.0
"""How much longer than the longest probe a claim holds: for a process that pauses, and a database that is slow."""


class _Finding(Enum):
    """What one look at a login told."""

    WORKS = auto()
    """The provider knows the login."""

    REFUSED = auto()
    """The provider answers, and does not accept the login."""

    UNCLEAR = auto()
    """The provider answers something that says nothing about the login."""

    DOWN = auto()
    """Nothing to go by: no answer came, or one that says that the host is in trouble, or there was no slot to ask."""

    UNUSABLE = auto()
    """The login could not even be tried, for a reason on our side; or it leads to another account than it should."""


class Prober:
    """Probes parked connections and the hosts of open breakers, by `Connector.check_login`: never by a write."""

    def __init__(
        self,
        database: Database,
        connections: ConnectionService,
        registry: Registry,
        outages: Outages,
        egress: Egress,
        slots: Slots,
        logins: Logins,
        *,
        read_timeout_s: float,
    ) -> None:
        self._database = database
        self._connections = connections
        self._registry = registry
        self._outages = outages
        self._egress = egress
        self._slots = slots
        self._logins = logins
        self._read_timeout_s = read_timeout_s

    async def run(self, stop: asyncio.Event) -> None:
        """Probe what is due until `stop` is set; probes under way are finished."""
        await poll(self.probe_due, stop, POLL_S, _NAME)

    async def probe_due(self) -> int:
        """Probe everything that is due, and draw the conclusions; returns how many probes that were."""
        due = await self._outages.claim_probes(timedelta(seconds=self._longest_s + CLAIM_MARGIN_S))
        probes = [*map(self._probe_host, due.hosts), *map(self._probe_login, due.connection_ids)]
        # Whatever goes wrong leaves a claim to end: then the probe is made again, by whoever is first.
        await asyncio.gather(*(safely(probe, _NAME) for probe in probes))
        return len(probes)

    @property
    def _longest_s(self) -> float:
        """The longest that the look at one login can take."""
        return READS * (SLOT_WAIT_S + self._read_timeout_s)

    async def _probe_host(self, probe: HostProbe) -> None:
        accounts = await self._accounts(probe.connection_ids)
        findings = await asyncio.gather(*(self._look(account) for account in accounts))
        if _is_back(probe.cause, [one for one in findings if one is not _Finding.UNUSABLE]):
            await self._outages.close(probe)
        else:
            await self._outages.keep_open(probe)

    async def _probe_login(self, connection_id: UUID) -> None:
        (account,) = await self._accounts((connection_id,))
        if await self._look(account) is _Finding.WORKS:
            await self._outages.unpark(connection_id)
        else:
            await self._outages.keep_parked(connection_id)

    async def _accounts(self, connection_ids: tuple[UUID, ...]) -> list[Account]:
        async with self._database.acquire() as connection:
            accounts = await self._connections.open_accounts(connection, connection_ids)
        return [accounts[connection_id] for connection_id in connection_ids]

    async def _look(self, account: Account) -> _Finding:
        """Try one login by a read. Whatever goes wrong is a finding: another probe will follow."""
        deadline_at = asyncio.get_running_loop().time() + self._longest_s
        patience = Patience(
            deadline_at=deadline_at,
            slot_wait_s=SLOT_WAIT_S,
            write_timeout_s=self._read_timeout_s,
            read_timeout_s=self._read_timeout_s,
        )
        try:
            connector = self._registry.get(account.connection.tsp_slug)
            session = ProviderSession(self._egress, self._slots, self._logins, account, connector, patience)
        except (SealBrokenError, BadConnectionFieldsError, ConnectionDeletedError, UnknownTspError) as error:
            log.warning("probing.unusable", connection_id=str(account.connection.id), error=str(error))
            return _Finding.UNUSABLE
        try:
            told = await connector.check_login(session)
        except LoginRefusedError:
            return _Finding.REFUSED
        except ProviderAnswerError:
            return _Finding.DOWN if session.reach is Reach.FAILED else _Finding.UNCLEAR
        except (NotSentError, AnswerLostError, SlotTimeoutError):
            return _Finding.DOWN
        account_id = connector.account_of(session.login, told)
        if account_id is not None and not await self._connections.pin(account.id, account_id):
            # What waits there was not meant for whoever this is.
            log.error("probing.other_account", connection_id=str(account.id), tsp=account.connection.tsp_slug)
            return _Finding.UNUSABLE
        return _Finding.WORKS


def _is_back(cause: Cause, findings: list[_Finding]) -> bool:
    """Whether a host works again; also when there is nobody left to ask, as then nobody is spared either."""
    if not findings or _Finding.WORKS in findings:
        return True
    if cause is Cause.LOGINS:
        return False
    return _Finding.REFUSED in findings or _Finding.UNCLEAR in findings
