"""All SQL of login sessions."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from fleetwrite.kit.database import Connection


async def lock(connection: Connection, connection_id: UUID, left: timedelta) -> Any:
    """The login session of a connection as it stands, locked; made where there is none yet.

    `is_current` says whether it can be used for at least `left` from now on, `is_claimed` whether somebody logs in.
    """
    await connection.execute(
        "INSERT INTO login_sessions (connection_id) VALUES ($1) ON CONFLICT DO NOTHING", connection_id
    )
    return await connection.fetchrow(
        """
        SELECT generation, sealed, refusal, refusal_status, credentials_sealed, tsp_slug,
               sealed IS NOT NULL AND expires_at > fleetwrite_now() + $2::interval AS is_current,
               claimed_until > fleetwrite_now() AS is_claimed,
               extract(epoch FROM fleetwrite_now() - refused_at)::float8 AS refused_ago_s
        FROM login_sessions JOIN connections ON connections.id = connection_id
        WHERE connection_id = $1 FOR UPDATE OF login_sessions
        """,
        connection_id,
        left,
    )


async def claim(connection: Connection, connection_id: UUID, claim_id: UUID, lasts: timedelta) -> None:
    """Note that whoever holds `claim_id` logs in."""
    await connection.execute(
        """
        UPDATE login_sessions SET claimed_by = $2, claimed_until = fleetwrite_now() + $3::interval
        WHERE connection_id = $1
        """,
        connection_id,
        claim_id,
        lasts,
    )


async def unclaim(connection: Connection, connection_id: UUID, claim_id: UUID) -> None:
    """Let somebody else log in."""
    await connection.execute(
        "UPDATE login_sessions SET claimed_until = '-infinity' WHERE connection_id = $1 AND claimed_by = $2",
        connection_id,
        claim_id,
    )


async def keep(
    connection: Connection,
    connection_id: UUID,
    claim_id: UUID,
    sealed: bytes,
    lasts: timedelta | None,
    renew_after: timedelta | None,
) -> int | None:
    """Keep what logging in gave; returns its generation, None when the claim was lost meanwhile."""
    generation: int | None = await connection.fetchval(
        """
        UPDATE login_sessions SET sealed = $3, generation = generation + 1, claimed_until = '-infinity',
               expires_at = COALESCE(fleetwrite_now() + $4::interval, 'infinity'),
               renew_at = COALESCE(fleetwrite_now() + $5::interval, 'infinity'),
               refused_at = NULL, refusal = NULL, refusal_status = NULL
        WHERE connection_id = $1 AND claimed_by = $2 RETURNING generation
        """,
        connection_id,
        claim_id,
        sealed,
        lasts,
        renew_after,
    )
    return generation


async def replace(
    connection: Connection, connection_id: UUID, sealed: bytes, lasts: timedelta | None, renew_after: timedelta | None
) -> None:
    """Put a session in the place of whatever there was, and of what somebody is making just now."""
    await connection.execute(
        """
        INSERT INTO login_sessions AS known (connection_id, generation, sealed, expires_at, renew_at)
        VALUES ($1, 1, $2, COALESCE(fleetwrite_now() + $3::interval, 'infinity'),
                COALESCE(fleetwrite_now() + $4::interval, 'infinity'))
        ON CONFLICT (connection_id) DO UPDATE SET generation = known.generation + 1, sealed = EXCLUDED.sealed,
            expires_at = EXCLUDED.expires_at, renew_at = EXCLUDED.renew_at, claimed_by = NULL,
            claimed_until = '-infinity', refused_at = NULL, refusal = NULL, refusal_status = NULL
        """,
        connection_id,
        sealed,
        lasts,
        renew_after,
    )


async def claim_renewals(connection: Connection, lasts: timedelta, limit: int) -> list[UUID]:
    """Connections that are to log in anew ahead of their session's end; for so long nobody else gets them.

    Those of which nothing is sent now are left out: they are due as soon as something is.
    """
    rows = await connection.fetch(
        """
        UPDATE login_sessions SET renew_at = fleetwrite_now() + $1::interval WHERE connection_id IN (
            SELECT connection_id FROM login_sessions JOIN connections ON connections.id = connection_id
            JOIN lane_owners ON lane_owners.id = connection_id
            WHERE renew_at <= fleetwrite_now() AND status = 'active' AND shut_by IS NULL
              AND NOT EXISTS (SELECT FROM paused_tsps WHERE slug = tsp_slug)
            ORDER BY renew_at LIMIT $2 FOR NO KEY UPDATE OF login_sessions SKIP LOCKED
        ) RETURNING connection_id
        """,
        lasts,
        limit,
    )
    return [row["connection_id"] for row in rows]


async def postpone_renewal(connection: Connection, connection_id: UUID, by: timedelta) -> None:
    """Try later to log in anew."""
    await connection.execute(
        "UPDATE login_sessions SET renew_at = fleetwrite_now() + $2::interval WHERE connection_id = $1",
        connection_id,
        by,
    )


async def refuse(connection: Connection, connection_id: UUID, claim_id: UUID, text: str, status: int) -> None:
    """Note that the provider did not accept the credentials."""
    await connection.execute(
        """
        UPDATE login_sessions SET claimed_until = '-infinity', refused_at = fleetwrite_now(), refusal = $3,
               refusal_status = $4
        WHERE connection_id = $1 AND claimed_by = $2
        """,
        connection_id,
        claim_id,
        text,
        status,
    )


async def forget(connection: Connection, connection_id: UUID) -> None:
    """End what was made with credentials that are replaced; whoever logs in with those now will not keep it."""
    await connection.execute(
        """
        UPDATE login_sessions SET sealed = NULL, generation = generation + 1, claimed_by = NULL, renew_at = 'infinity',
               claimed_until = '-infinity', refused_at = NULL, refusal = NULL, refusal_status = NULL
        WHERE connection_id = $1
        """,
        connection_id,
    )


async def delete(connection: Connection, connection_id: UUID) -> None:
    """Delete a connection's session; whoever logs in now will not keep it."""
    await connection.execute("DELETE FROM login_sessions WHERE connection_id = $1", connection_id)


async def replace_credentials(connection: Connection, connection_id: UUID, sealed: bytes) -> None:
    """Keep credentials that the provider gave for those that were used."""
    await connection.execute(
        "UPDATE connections SET credentials_sealed = $2, updated_at = fleetwrite_now() WHERE id = $1",
        connection_id,
        sealed,
    )
