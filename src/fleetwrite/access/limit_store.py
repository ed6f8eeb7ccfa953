"""SQL of the limits on partners' requests."""

from collections.abc import Mapping
from uuid import UUID

from fleetwrite.kit.database import Connection


async def chosen_limits(connection: Connection) -> dict[UUID, float]:
    """Requests a second, of partners for which somebody chose."""
    rows = await connection.fetch("SELECT partner_id, per_second FROM request_limits")
    return {row["partner_id"]: row["per_second"] for row in rows}


async def partner_of(connection: Connection, slug: str) -> UUID | None:
    """The id of the partner of this slug."""
    found: UUID | None = await connection.fetchval("SELECT id FROM partners WHERE slug = $1", slug)
    return found


async def choose_limit(connection: Connection, partner_id: UUID, per_second: float | None) -> None:
    """Set a partner's limit; None: it has that of all again."""
    if per_second is None:
        await connection.execute("DELETE FROM request_limits WHERE partner_id = $1", partner_id)
        return
    await connection.execute(
        """
        INSERT INTO request_limits (partner_id, per_second) VALUES ($1, $2)
        ON CONFLICT (partner_id) DO UPDATE SET per_second = excluded.per_second
        """,
        partner_id,
        per_second,
    )


async def exchange(connection: Connection, process: UUID, asked: Mapping[UUID, float]) -> dict[UUID, float]:
    """Note how many requests a second a process is asked for, by partner; returns the same of all others together.

    What a process told more than 3 s ago counts no more: it is not called, or not there.
    """
    partners = sorted(asked)
    await connection.execute(
        """
        INSERT INTO request_rates (process, partner_id, per_second, told_at)
        SELECT $1, partner_id, per_second, fleetwrite_now()
        FROM unnest($2::uuid[], $3::float8[]) AS told (partner_id, per_second)
        ON CONFLICT (partner_id, process) DO UPDATE SET per_second = excluded.per_second, told_at = excluded.told_at
        """,
        process,
        partners,
        [asked[partner] for partner in partners],
    )
    await connection.execute(
        """
        DELETE FROM request_rates WHERE (partner_id, process) IN (
            SELECT partner_id, process FROM request_rates WHERE told_at < fleetwrite_now() - interval '1 minute'
            LIMIT 100 FOR UPDATE SKIP LOCKED
        )
        """
    )
    rows = await connection.fetch(
        """
        SELECT partner_id, sum(per_second) AS per_second FROM request_rates
        WHERE partner_id = ANY($1) AND process <> $2 AND told_at > fleetwrite_now() - interval '3 seconds'
        GROUP BY partner_id
        """,
        partners,
        process,
    )
    return {row["partner_id"]: row["per_second"] for row in rows}
