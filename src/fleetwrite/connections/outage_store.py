"""All SQL of logins and breakers.

Locks are taken in one order by everybody: breakers, connections, logins, and only then what dispatch locks. A
settlement locks its jobs before all of these; nobody who holds any of these waits for a job.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fleetwrite.connections.outage_models import Cause, OutageRules, Sign
from fleetwrite.contract.enums import ConnectionStatusEnum
from fleetwrite.kit.database import Connection

_GONE = (ConnectionStatusEnum.DELETED.value, ConnectionStatusEnum.CANCELLED.value)


async def select_news(
    connection: Connection, connection_ids: Sequence[UUID], hosts: Sequence[str], noted_for: timedelta
) -> list[tuple[UUID, str]]:
    """Those of these (connection, host) whose call that came through is worth writing down."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT seen.connection_id, seen.host
        FROM unnest($1::uuid[], $2::text[]) AS seen (connection_id, host)
        LEFT JOIN logins USING (connection_id) LEFT JOIN breakers ON breakers.host = seen.host
        WHERE logins.accepted_at IS NULL OR logins.accepted_at < fleetwrite_now() - $3::interval
           OR logins.host <> seen.host
           OR (logins.probe_at IS NULL AND (logins.refused_since IS NOT NULL OR logins.probes > 0))
           OR (breakers.opened_at IS NULL AND (breakers.failed_operations <> '{}' OR breakers.probes > 0))
        ORDER BY connection_id
        """,
        connection_ids,
        hosts,
        noted_for,
    )
    return [(row["connection_id"], row["host"]) for row in rows]


async def upsert_accepted(connection: Connection, accepted: Mapping[UUID, str]) -> None:
    """Note that calls under these logins came through. A parked one stays so: its probe decides."""
    await connection.execute(
        """
        INSERT INTO logins AS known (connection_id, host, accepted_at)
        SELECT connection_id, host, fleetwrite_now()
        FROM unnest($1::uuid[], $2::text[]) AS seen (connection_id, host) ORDER BY connection_id
        ON CONFLICT (connection_id) DO UPDATE SET host = EXCLUDED.host, accepted_at = EXCLUDED.accepted_at,
            refused_since = CASE WHEN known.probe_at IS NOT NULL THEN known.refused_since END,
            probes = CASE WHEN known.probe_at IS NOT NULL THEN known.probes ELSE 0 END
        """,
        list(accepted),
        list(accepted.values()),
    )


async def upsert_refused(connection: Connection, refused: Mapping[UUID, str]) -> None:
    """Note that these logins were refused."""
    await connection.execute(
        """
        INSERT INTO logins AS known (connection_id, host, refused_since)
        SELECT connection_id, host, fleetwrite_now()
        FROM unnest($1::uuid[], $2::text[]) AS seen (connection_id, host) ORDER BY connection_id
        ON CONFLICT (connection_id) DO UPDATE SET host = EXCLUDED.host,
            refused_since = coalesce(known.refused_since, EXCLUDED.refused_since)
        """,
        list(refused),
        list(refused.values()),
    )


async def reset_failures(connection: Connection, hosts: Collection[str]) -> None:
    """Forget the failures of hosts of which something came through. An open breaker stays so: its probe decides."""
    await connection.execute(
        """
        WITH locked AS (
            SELECT host FROM breakers WHERE host = ANY($1::text[]) AND opened_at IS NULL
                AND (failed_operations <> '{}' OR probes > 0) ORDER BY host FOR NO KEY UPDATE
        )
        UPDATE breakers SET failed_operations = '{}', probes = 0
        FROM locked WHERE breakers.host = locked.host
        """,
        list(hosts),
    )


async def upsert_failures(connection: Connection, failed: Sequence[Sign], rules: OutageRules) -> None:
    """Add operations that failed to their hosts' rows, each once, and no more than it takes to open a breaker."""
    for sign in sorted(failed, key=lambda sign: sign.host):
        await connection.execute(
            """
            INSERT INTO breakers AS known (host, tsp_slug, failed_operations) VALUES ($1, $2, ARRAY[$3::uuid])
            ON CONFLICT (host) DO UPDATE SET failed_operations = CASE
                WHEN known.opened_at IS NOT NULL OR $3 = ANY(known.failed_operations)
                    OR cardinality(known.failed_operations) >= $4 THEN known.failed_operations
                ELSE known.failed_operations || $3::uuid END
            """,
            sign.host,
            sign.tsp_slug,
            sign.operation_id,
            rules.failures,
        )


async def lock_breaker(connection: Connection, host: str, tsp_slug: str) -> Any:
    """The locked row of a host's breaker, made if there was none."""
    await connection.execute(
        "INSERT INTO breakers (host, tsp_slug) VALUES ($1, $2) ON CONFLICT (host) DO NOTHING", host, tsp_slug
    )
    return await connection.fetchrow("SELECT * FROM breakers WHERE host = $1 FOR NO KEY UPDATE", host)


async def lock_open_breaker(connection: Connection, host: str, opened_at: datetime) -> Any:
    """The locked row of a breaker that is still open since then; None where it is not."""
    return await connection.fetchrow(
        "SELECT * FROM breakers WHERE host = $1 AND opened_at = $2 FOR NO KEY UPDATE", host, opened_at
    )


async def select_open_since(connection: Connection, hosts: Collection[str]) -> dict[str, datetime]:
    rows = await connection.fetch(
        "SELECT host, opened_at FROM breakers WHERE host = ANY($1::text[]) AND opened_at IS NOT NULL", list(hosts)
    )
    return {row["host"]: row["opened_at"] for row in rows}


async def select_incident_hosts(connection: Connection, hosts: Collection[str], rules: OutageRules) -> set[str]:
    """The hosts at which so many logins are refused all at once that it must be the provider's doing."""
    rows = await connection.fetch(
        """
        SELECT host FROM (
            SELECT logins.host,
                   count(*) FILTER (WHERE refused_since > since) AS refused,
                   count(*) FILTER (WHERE refused_since > since OR accepted_at > since) AS tried
            FROM logins LEFT JOIN breakers USING (host)
            CROSS JOIN LATERAL (SELECT GREATEST(fleetwrite_now() - $2::interval, closed_at) AS since) AS window_start
            WHERE logins.host = ANY($1::text[]) GROUP BY logins.host
        ) AS counted WHERE refused >= $3 AND refused >= $4::float8 * tried
        """,
        list(hosts),
        rules.incident_within,
        rules.incident_logins,
        rules.incident_share,
    )
    return {row["host"] for row in rows}


async def open_breaker(connection: Connection, host: str, cause: Cause, first: timedelta, longest: timedelta) -> None:
    await connection.execute(
        """
        UPDATE breakers SET opened_at = fleetwrite_now(), cause = $2, failed_operations = '{}',
            probe_at = fleetwrite_now() + LEAST($3::interval * 2 ^ LEAST(probes, 20), $4::interval)
        WHERE host = $1
        """,
        host,
        cause.value,
        first,
        longest,
    )


async def close_breaker(connection: Connection, host: str) -> None:
    """Close it; its probes still count, until a write comes through: what fails again at once is left alone longer."""
    await connection.execute(
        """
        UPDATE breakers SET opened_at = NULL, cause = NULL, probe_at = NULL, failed_operations = '{}',
            closed_at = fleetwrite_now(), probes = probes + 1
        WHERE host = $1
        """,
        host,
    )


async def postpone_breaker(connection: Connection, host: str, first: timedelta, longest: timedelta) -> None:
    await connection.execute(
        """
        UPDATE breakers SET probes = probes + 1,
            probe_at = fleetwrite_now() + LEAST($2::interval * 2 ^ LEAST(probes + 1, 20), $3::interval)
        WHERE host = $1
        """,
        host,
        first,
        longest,
    )


async def claim_breakers(connection: Connection, lasts: timedelta) -> list[Any]:
    """Breakers to be probed now; until a probe counts as lost, nobody else gets them."""
    return await connection.fetch(
        """
        UPDATE breakers SET probe_at = fleetwrite_now() + $1::interval WHERE host IN (
            SELECT host FROM breakers WHERE probe_at <= fleetwrite_now() FOR NO KEY UPDATE SKIP LOCKED
        ) RETURNING host, tsp_slug, cause, opened_at
        """,
        lasts,
    )


async def claim_logins(connection: Connection, lasts: timedelta, limit: int) -> list[UUID]:
    """Parked connections whose login is to be probed now. Where the breaker is open, they have to wait."""
    rows = await connection.fetch(
        """
        UPDATE logins SET probe_at = fleetwrite_now() + $1::interval WHERE connection_id IN (
            SELECT connection_id FROM logins WHERE probe_at <= fleetwrite_now() AND NOT EXISTS (
                SELECT FROM breakers WHERE breakers.host = logins.host AND opened_at IS NOT NULL)
            ORDER BY probe_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
        ) RETURNING connection_id
        """,
        lasts,
        limit,
    )
    return [row["connection_id"] for row in rows]


async def select_candidates(connection: Connection, host: str, limit: int) -> list[UUID]:
    """Active connections that the host's breaker shuts; those whose login worked last come first."""
    rows = await connection.fetch(
        """
        SELECT connections.id FROM connections JOIN lane_owners ON lane_owners.id = connections.id
        LEFT JOIN logins ON logins.connection_id = connections.id
        WHERE lane_owners.shut_by = $1 AND connections.status = 'active'
        ORDER BY logins.refused_since IS NULL DESC, logins.accepted_at DESC NULLS LAST LIMIT $2
        """,
        host,
        limit,
    )
    return [row["id"] for row in rows]


async def select_accounts_of(connection: Connection, tsp_slug: str) -> list[Any]:
    """Id and settings of each connection of a provider that is not gone."""
    return await connection.fetch(
        "SELECT id, settings FROM connections WHERE tsp_slug = $1 AND status <> ALL($2)", tsp_slug, _GONE
    )


async def lock_connections(connection: Connection, connection_ids: Collection[UUID]) -> list[Any]:
    """Lock connections; returns those that are active."""
    return await connection.fetch(
        """
        SELECT id, fleet_id, tsp_slug, source_name FROM (
            SELECT * FROM connections WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
        ) AS locked WHERE status = 'active'
        """,
        list(connection_ids),
    )


async def park(connection: Connection, connection_ids: Collection[UUID], first: timedelta, longest: timedelta) -> None:
    """Make these active connections stale, and say when their logins are to be tried."""
    await connection.execute(
        "UPDATE connections SET status = 'stale', updated_at = fleetwrite_now() WHERE id = ANY($1::uuid[])",
        list(connection_ids),
    )
    await connection.execute(
        """
        UPDATE logins SET probe_at = fleetwrite_now() + LEAST($2::interval * 2 ^ LEAST(probes, 20), $3::interval)
        WHERE connection_id = ANY($1::uuid[])
        """,
        list(connection_ids),
        first,
        longest,
    )


async def postpone_login(connection: Connection, connection_id: UUID, first: timedelta, longest: timedelta) -> None:
    await connection.execute(
        """
        UPDATE logins SET probes = probes + 1,
            probe_at = fleetwrite_now() + LEAST($2::interval * 2 ^ LEAST(probes + 1, 20), $3::interval)
        WHERE connection_id = $1 AND probe_at IS NOT NULL
        """,
        connection_id,
        first,
        longest,
    )


async def unpark(connection: Connection, connection_id: UUID) -> bool:
    """Make a stale connection active, as its login works; False where it is not parked any more.

    Its probes still count, until a write comes through: a login that is refused again at once is left alone longer.
    """
    await lock_connections(connection, [connection_id])
    parked = await connection.fetchval(
        """
        UPDATE logins SET probe_at = NULL, refused_since = NULL, accepted_at = fleetwrite_now(), probes = probes + 1
        WHERE connection_id = $1 AND probe_at IS NOT NULL RETURNING connection_id
        """,
        connection_id,
    )
    if parked is None:
        return False
    await _make_active(connection, [connection_id])
    return True


async def unpark_all(connection: Connection, host: str, rules: OutageRules) -> list[UUID]:
    """Make those connections active again that were parked for what is the host's doing; returns them."""
    rows = await connection.fetch(
        """
        SELECT connections.id FROM connections JOIN logins ON connection_id = connections.id
        WHERE host = $1 AND status = 'stale' AND probe_at IS NOT NULL
          AND refused_since > fleetwrite_now() - $2::interval
        ORDER BY connections.id FOR NO KEY UPDATE OF connections
        """,
        host,
        rules.incident_within,
    )
    connection_ids = [row["id"] for row in rows]
    await forget_probes(connection, connection_ids)
    await _make_active(connection, connection_ids)
    return connection_ids


async def forget_probes(connection: Connection, connection_ids: Collection[UUID]) -> None:
    """Probe these logins no more: their connections are not parked."""
    await connection.execute(
        "UPDATE logins SET probe_at = NULL WHERE connection_id = ANY($1::uuid[]) AND probe_at IS NOT NULL",
        list(connection_ids),
    )


async def forget_refusal(connection: Connection, connection_id: UUID) -> None:
    """Start over with a login: it may be another one now."""
    await connection.execute(
        "UPDATE logins SET probe_at = NULL, refused_since = NULL, probes = 0 WHERE connection_id = $1", connection_id
    )


async def select_refused_since(connection: Connection, connection_ids: Collection[UUID]) -> dict[UUID, datetime]:
    rows = await connection.fetch(
        "SELECT connection_id, refused_since FROM logins"
        " WHERE connection_id = ANY($1::uuid[]) AND refused_since IS NOT NULL",
        list(connection_ids),
    )
    return {row["connection_id"]: row["refused_since"] for row in rows}


async def count_open(connection: Connection) -> dict[str, int]:
    """How many breakers are open, by provider; providers without an open one are left out."""
    rows = await connection.fetch(
        "SELECT tsp_slug, count(*) AS hosts FROM breakers WHERE probe_at IS NOT NULL GROUP BY tsp_slug"
    )
    return {row["tsp_slug"]: row["hosts"] for row in rows}


async def count_parked(connection: Connection) -> dict[str, int]:
    """How many connections are parked, by provider; providers without one are left out."""
    rows = await connection.fetch(
        """
        SELECT tsp_slug, count(*) AS parked FROM logins JOIN connections ON connections.id = connection_id
        WHERE probe_at IS NOT NULL GROUP BY tsp_slug
        """
    )
    return {row["tsp_slug"]: row["parked"] for row in rows}


async def select_partners(connection: Connection, fleet_ids: Collection[UUID]) -> list[Any]:
    """Who shares these fleets now: partner, fleet, and the partner's name for it."""
    return await connection.fetch(
        "SELECT partner_id, fleet_id, fleet_ref FROM active_shares WHERE fleet_id = ANY($1::uuid[])", list(fleet_ids)
    )


async def _make_active(connection: Connection, connection_ids: Collection[UUID]) -> None:
    await connection.execute(
        """
        UPDATE connections SET status = 'active', updated_at = fleetwrite_now()
        WHERE id = ANY($1::uuid[]) AND status = 'stale'
        """,
        list(connection_ids),
    )


async def select_open_breakers(connection: Connection, most: int) -> list[Any]:
    """Up to `most` hosts that are not called for now: host, tsp_slug, cause, opened_at, probe_at; longest first."""
    return await connection.fetch(
        """
        SELECT host, tsp_slug, cause, opened_at, probe_at FROM breakers WHERE opened_at IS NOT NULL
        ORDER BY opened_at, host LIMIT $1
        """,
        most,
    )
