"""What is not called for now: connections whose login is refused, and hosts that fail.

A refused login parks its connection: it is stale, its lanes are held. A host that fails opens a breaker: the lanes of
all connections there are shut. Neither fails anything, and both end by themselves when a read gets through.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog

from fleetwrite.connections import outage_store as store
from fleetwrite.connections.errors import BadConnectionFieldsError
from fleetwrite.connections.events import tell_staled
from fleetwrite.connections.fields import base_url, host_of
from fleetwrite.connections.holding import hold_or_release
from fleetwrite.connections.outage_models import RULES, Cause, Reach, Sign
from fleetwrite.connections.store import is_tsp_paused
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Connection, Database

log = structlog.get_logger(__name__)

MOST_CANDIDATES = 3
"""Connections tried by one probe of a host: should one login of them be bad, another one tells."""

MOST_LOGINS = 20
"""Logins probed at a time by one process, so that a thousand parked ones are no storm."""


class HostProbe(msgspec.Struct, frozen=True, kw_only=True):
    """An open breaker to be probed, through one of `connection_ids`; the first ones tell most."""

    host: str
    cause: Cause
    opened_at: datetime
    connection_ids: tuple[UUID, ...]


class DueProbes(msgspec.Struct, frozen=True, kw_only=True):
    """What one process has to probe now, and nobody else does meanwhile."""

    hosts: tuple[HostProbe, ...]
    connection_ids: tuple[UUID, ...]


class Outages:
    """Draws the conclusions from what attempts and probes tell."""

    def __init__(self, database: Database, registry: Registry, dispatch: Dispatch) -> None:
        self._database = database
        self._registry = registry
        self._dispatch = dispatch

    async def note(self, connection: Connection, signs: Sequence[Sign]) -> set[UUID]:
        """Write down what attempts told, in the transaction that settles them, and park refused connections.

        Returns:
            The connections that became stale: the caller has dispatch hold their lanes.
        """
        failed = [sign for sign in signs if sign.reach is Reach.FAILED]
        refused = [sign for sign in signs if sign.reach is Reach.LOGIN_REFUSED]
        answered = [sign for sign in signs if sign.reach is Reach.ANSWERED]
        if failed:
            await store.upsert_failures(connection, failed, RULES)
        news = await self._news(connection, answered) if answered else {}
        if news:
            await store.reset_failures(connection, set(news.values()))
        staled = await self._park(connection, refused) if refused else set()
        if news:
            await store.upsert_accepted(connection, news)
        return staled

    async def report(self, sign: Sign) -> None:
        """Write down what calls told that were made for no operation, and let it have its consequences."""
        async with self._database.transaction() as connection:
            for connection_id in await self.note(connection, [sign]):
                await self._dispatch.hold(connection, connection_id)
        if sign.reach is not Reach.ANSWERED:
            await self.review(sign)

    async def review(self, sign: Sign) -> None:
        """Open the breaker of a host where enough went wrong; to be called when a bad `sign` is stored.

        It is apart from `note`, as it locks whatever hangs on the host.
        """
        async with self._database.transaction() as connection:
            breaker = await store.lock_breaker(connection, sign.host, sign.tsp_slug)
            if breaker["opened_at"] is not None:
                # It was made, or led elsewhere, when the breaker opened.
                await self._dispatch.shut(connection, [sign.connection_id], sign.host)
                return
            if len(breaker["failed_operations"]) >= RULES.failures:
                cause = Cause.FAILURES
            elif sign.host in await store.select_incident_hosts(connection, [sign.host], RULES):
                cause = Cause.LOGINS
            else:
                return
            innocent = await store.unpark_all(connection, sign.host, RULES) if cause is Cause.LOGINS else []
            await store.open_breaker(connection, sign.host, cause, RULES.host_first, RULES.host_longest)
            rows = await store.select_accounts_of(connection, sign.tsp_slug)
            shut = [row["id"] for row in rows if self._host(sign.tsp_slug, row["settings"]) == sign.host]
            await self._dispatch.shut(connection, shut, sign.host)
            # Where the operator has paused the provider they stay held, until it is resumed.
            if innocent and not await is_tsp_paused(connection, sign.tsp_slug):
                await self._dispatch.release(connection, *innocent)
        log.warning("breaker.opened", host=sign.host, tsp=sign.tsp_slug, cause=cause, connections=len(shut))

    async def open_since(self, connection: Connection, host: str) -> datetime | None:
        """Since when nothing is sent to this host; None: it is."""
        return (await store.select_open_since(connection, [host])).get(host)

    async def refused_since(self, connection: Connection, connection_ids: Collection[UUID]) -> dict[UUID, datetime]:
        """Since when the logins of these connections are refused; those that work are left out."""
        return await store.select_refused_since(connection, connection_ids)

    async def claim_probes(self, lasts: timedelta) -> DueProbes:
        """Take what is to be probed now. After `lasts` a probe without a result counts as lost, and is due again."""
        async with self._database.transaction() as connection:
            rows = await store.claim_breakers(connection, lasts)
            connection_ids = await store.claim_logins(connection, lasts, MOST_LOGINS)
            hosts = [
                HostProbe(
                    host=row["host"],
                    cause=Cause(row["cause"]),
                    opened_at=row["opened_at"],
                    connection_ids=tuple(await store.select_candidates(connection, row["host"], MOST_CANDIDATES)),
                )
                for row in rows
            ]
        return DueProbes(hosts=tuple(hosts), connection_ids=tuple(connection_ids))

    async def close(self, probe: HostProbe) -> None:
        """A read got through: send to this host again."""
        async with self._database.transaction() as connection:
            if await store.lock_open_breaker(connection, probe.host, probe.opened_at) is None:
                return
            await store.close_breaker(connection, probe.host)
            await self._dispatch.reopen(connection, probe.host)
        log.info("breaker.closed", host=probe.host)

    async def keep_open(self, probe: HostProbe) -> None:
        """The host still fails: probe it later."""
        async with self._database.transaction() as connection:
            if await store.lock_open_breaker(connection, probe.host, probe.opened_at) is not None:
                await store.postpone_breaker(connection, probe.host, RULES.host_first, RULES.host_longest)

    async def unpark(self, connection_id: UUID) -> None:
        """The login works: the connection is active again, and its work is sent."""
        async with self._database.transaction() as connection:
            if await store.unpark(connection, connection_id):
                await hold_or_release(self._dispatch, connection, connection_id)
                log.info("connection.unparked", connection_id=str(connection_id))

    async def keep_parked(self, connection_id: UUID) -> None:
        """The login still does not work: probe it later."""
        async with self._database.transaction() as connection:
            await store.postpone_login(connection, connection_id, RULES.login_first, RULES.login_longest)

    async def open_breakers(self) -> dict[str, int]:
        """How many hosts of each provider are not called for now; providers without one are left out."""
        async with self._database.acquire() as connection:
            return await store.count_open(connection)

    async def parked(self) -> dict[str, int]:
        """How many connections of each provider are parked; providers without one are left out."""
        async with self._database.acquire() as connection:
            return await store.count_parked(connection)

    async def _news(self, connection: Connection, answered: Sequence[Sign]) -> dict[UUID, str]:
        """The connections, with their hosts, of which it is worth writing down that a call came through."""
        rows = await store.select_news(
            connection,
            [sign.connection_id for sign in answered],
            [sign.host for sign in answered],
            RULES.accepted_noted_for,
        )
        # Of two hosts of one connection, whose address was changed just now, either may be kept.
        return dict(rows)

    async def _park(self, connection: Connection, refused: Sequence[Sign]) -> set[UUID]:
        """Make refused connections stale, unless it is their host's doing; returns them."""
        hosts = {sign.connection_id: sign.host for sign in refused}
        active = await store.lock_connections(connection, hosts)
        await store.upsert_refused(connection, hosts)
        of_all = set(hosts.values())
        excused = set(await store.select_open_since(connection, of_all))
        excused |= await store.select_incident_hosts(connection, of_all, RULES)
        staled = [row for row in active if hosts[row["id"]] not in excused]
        if staled:
            await store.park(connection, [row["id"] for row in staled], RULES.login_first, RULES.login_longest)
            await tell_staled(connection, staled)
        return {row["id"] for row in staled}

    def _host(self, tsp_slug: str, settings: Any) -> str | None:
        try:
            return host_of(base_url(self._registry.get(tsp_slug).manifest, settings))
        except BadConnectionFieldsError:
            return None  # its region is gone from the manifest: no call of it gets as far as a host
