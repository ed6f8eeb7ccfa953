"""All SQL of budgets.

A budget belongs to an owner, or to the account whose budgets several owners share; a scope names one budget for each
owner, wherever it is kept.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.dispatch.models import BudgetLimit
from fleetwrite.dispatch.pacing import Pace, grown_back
from fleetwrite.kit.database import Connection

STRIKES: Final = 5
"""So many refusals in spite of our pacing tell that the provider is stricter than its documentation. A few may be the
doing of others who share its limit, or of a machine of ours that is too busy to keep its slots."""

STRIKES_WITHIN_S: Final = 300.0
"""Refusals further apart than this are no pattern."""

LOWER_TO: Final = 0.8
"""What is left of a limit each time that it proves too high."""

LEAST_SHARE: Final = 0.1
"""Below a tenth it is not the limit that is wrong."""


class Closing(msgspec.Struct, frozen=True):
    """For `close_s` seconds no call of these scopes of an owner. `is_refusal`: the provider said no to a call."""

    owner_id: UUID
    scopes: tuple[str, ...]
    close_s: float
    is_refusal: bool


async def select_account(connection: Connection, owner_id: UUID) -> UUID | None:
    account_id: UUID | None = await connection.fetchval("SELECT account_id FROM lane_owners WHERE id = $1", owner_id)
    return account_id


async def select_limits(connection: Connection, owner_id: UUID) -> list[BudgetLimit]:
    """The limits in force for an owner, its account's included."""
    rows = await connection.fetch(
        """
        SELECT scope, requests, per_seconds, in_flight, b.owner_id = o.account_id AS shared
        FROM lane_owners o JOIN budgets b ON b.owner_id IN (o.id, o.account_id)
        WHERE o.id = $1 AND (requests IS NOT NULL OR in_flight IS NOT NULL) ORDER BY scope
        """,
        owner_id,
    )
    return [BudgetLimit(**{**row, "shared": bool(row["shared"])}) for row in rows]


async def select_scopes(connection: Connection, owner_id: UUID) -> dict[str, UUID]:
    """Every scope of an owner -> who keeps its budget."""
    rows = await connection.fetch(
        """
        SELECT scope, b.owner_id FROM lane_owners o JOIN budgets b ON b.owner_id IN (o.id, o.account_id)
        WHERE o.id = $1
        """,
        owner_id,
    )
    return {row["scope"]: row["owner_id"] for row in rows}


async def insert_budgets(connection: Connection, keeper_id: UUID, limits: Sequence[BudgetLimit]) -> None:
    """Set up budgets that are not there yet; those of an account may be, with limits that somebody chose."""
    await connection.executemany(
        """
        INSERT INTO budgets (owner_id, scope, requests, per_seconds, in_flight) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (owner_id, scope) DO NOTHING
        """,
        [(keeper_id, limit.scope, limit.requests, limit.per_seconds, limit.in_flight) for limit in limits],
    )


async def replace_limits(
    connection: Connection, keepers: Mapping[str, UUID], limits: Mapping[str, BudgetLimit]
) -> None:
    """Give every scope in `keepers` its new limit; one that is not in `limits` has none, but stays closable.

    What was learnt of the old limits is forgotten.
    """
    pairs = sorted((keeper, scope) for scope, keeper in keepers.items())
    chosen = [limits.get(scope) for _, scope in pairs]
    await connection.execute(
        """
        WITH wanted AS (
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::float8[], $5::int[])
                AS w (owner_id, scope, requests, per_seconds, in_flight)
        ), locked AS (
            SELECT wanted.* FROM budgets JOIN wanted USING (owner_id, scope)
            ORDER BY owner_id, scope FOR NO KEY UPDATE OF budgets
        )
        UPDATE budgets SET requests = locked.requests, per_seconds = locked.per_seconds, in_flight = locked.in_flight,
               next_at = LEAST(next_at, fleetwrite_now()), share = 1, strikes = 0
        FROM locked WHERE budgets.owner_id = locked.owner_id AND budgets.scope = locked.scope
        """,
        [keeper for keeper, _ in pairs],
        [scope for _, scope in pairs],
        [None if limit is None else limit.requests for limit in chosen],
        [None if limit is None else limit.per_seconds for limit in chosen],
        [None if limit is None else limit.in_flight for limit in chosen],
    )


async def lock_budgets(
    connection: Connection, keeper_ids: Collection[UUID], scopes: Collection[str] | None = None
) -> tuple[datetime, dict[tuple[UUID, str], Pace]]:
    """The database's time, and the state of these keepers' budgets (of these scopes only, where given), locked."""
    rows = await connection.fetch(
        """
        SELECT owner_id, scope, requests, per_seconds, next_at, closed_until, in_flight, share, lowered_at, claimed_by
        FROM budgets
        WHERE owner_id = ANY($1::uuid[]) AND ($2::text[] IS NULL OR scope = ANY($2::text[]))
        ORDER BY owner_id, scope FOR NO KEY UPDATE
        """,
        sorted(set(keeper_ids)),
        None if scopes is None else sorted(set(scopes)),
    )
    now: datetime = await connection.fetchval("SELECT fleetwrite_now()")
    paces = {(row["owner_id"], row["scope"]): pace_of(row, now) for row in rows}
    capped = [key for key, pace in paces.items() if pace.room is not None]
    if capped:
        for key, flying in (await _count_in_flight(connection, capped)).items():
            paces[key].room = (paces[key].room or 0) - flying
    return now, paces


async def select_states(connection: Connection, owner_id: UUID, scopes: Sequence[str]) -> list[Any]:
    """The budgets of these scopes of an owner, its account's included, as they stand; nothing is locked."""
    return await connection.fetch(
        """
        SELECT scope, requests, per_seconds, next_at, closed_until, in_flight, share, lowered_at, claimed_by
        FROM lane_owners o JOIN budgets b ON b.owner_id IN (o.id, o.account_id)
        WHERE o.id = $1 AND scope = ANY($2::text[]) ORDER BY scope
        """,
        owner_id,
        scopes,
    )


def granted_of(row: Any, now: datetime) -> float:
    """The share of its limit that the budget in a row has now."""
    return grown_back(row["share"], (now - row["lowered_at"]).total_seconds())


def pace_of(row: Any, now: datetime) -> Pace:
    """The state of the budget in a row, with all of its cap on what is in flight for room."""
    return Pace.of(
        row["requests"],
        row["per_seconds"],
        row["next_at"],
        row["closed_until"],
        share=row["share"],
        lowered_s=(now - row["lowered_at"]).total_seconds(),
        room=row["in_flight"],
        claimed_by=row["claimed_by"],
    )


async def _count_in_flight(connection: Connection, keys: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], int]:
    """How many jobs under each of these budgets are being worked on."""
    rows = await connection.fetch(
        """
        SELECT k.owner_id, k.scope, count(*) AS flying
        FROM unnest($1::uuid[], $2::text[]) AS k (owner_id, scope)
        JOIN lane_owners o ON o.id = k.owner_id OR o.account_id = k.owner_id
        JOIN lanes l ON l.owner_id = o.id AND k.scope = ANY(l.scopes)
        JOIN jobs j ON j.lane_id = l.id AND j.lease IS NOT NULL AND j.due_at > fleetwrite_now()
        GROUP BY k.owner_id, k.scope
        """,
        [keeper for keeper, _ in keys],
        [scope for _, scope in keys],
    )
    return {(row["owner_id"], row["scope"]): row["flying"] for row in rows}


async def update_next_at(
    connection: Connection, taken: Sequence[tuple[UUID, str, datetime]], claimed_by: UUID | None
) -> None:
    """Keep the state of budgets of which slots were taken, and by which process."""
    await connection.execute(
        """
        UPDATE budgets SET next_at = taken.next_at, claimed_by = $4
        FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS taken (owner_id, scope, next_at)
        WHERE budgets.owner_id = taken.owner_id AND budgets.scope = taken.scope
        """,
        [keeper for keeper, _, _ in taken],
        [scope for _, scope, _ in taken],
        [next_at for _, _, next_at in taken],
        claimed_by,
    )


async def close_budgets(connection: Connection, closings: Sequence[Closing]) -> None:
    """Close budgets; a longer closing already in force stays.

    A refusal is a strike against the tightest limit of its call, which is the one that we kept to. Refusals of calls
    that were on their way when the budget was closed count as one.
    """
    await connection.execute(
        """
        WITH closing AS (
            SELECT b.owner_id, b.scope, max(c.close_s) AS close_s,
                   bool_or(c.is_refusal AND b.requests IS NOT NULL AND NOT EXISTS (
                       SELECT 1 FROM budgets other
                       WHERE other.owner_id IN (o.id, o.account_id) AND other.scope = ANY(c.scopes)
                         AND (other.per_seconds / other.requests, other.scope) > (b.per_seconds / b.requests, b.scope)
                   )) AS strikes
            FROM (
                SELECT owner_id, string_to_array(scopes, E'\\n') AS scopes, close_s, is_refusal
                FROM unnest($1::uuid[], $2::text[], $3::float8[], $4::bool[])
                    AS u (owner_id, scopes, close_s, is_refusal)
            ) AS c
            JOIN lane_owners o ON o.id = c.owner_id
            JOIN budgets b ON b.owner_id IN (o.id, o.account_id) AND b.scope = ANY(c.scopes)
            GROUP BY b.owner_id, b.scope
        ), locked AS (
            SELECT b.owner_id, b.scope, close_s,
                   CASE WHEN NOT closing.strikes OR b.closed_until > fleetwrite_now() THEN b.strikes
                        WHEN b.struck_at < fleetwrite_now() - make_interval(secs => $5) THEN 1
                        ELSE b.strikes + 1 END AS strikes,
                   closing.strikes AND b.closed_until <= fleetwrite_now() AS is_struck
            FROM budgets b JOIN closing USING (owner_id, scope) ORDER BY b.owner_id, b.scope FOR NO KEY UPDATE OF b
        )
        UPDATE budgets SET
            closed_until = GREATEST(closed_until, fleetwrite_now() + make_interval(secs => close_s)),
            strikes = CASE WHEN locked.strikes >= $6 THEN 0 ELSE locked.strikes END,
            struck_at = CASE WHEN is_struck THEN fleetwrite_now() ELSE struck_at END,
            share = CASE WHEN locked.strikes >= $6 THEN GREATEST($8, share * $7) ELSE share END,
            lowered_at = CASE WHEN locked.strikes >= $6 THEN fleetwrite_now() ELSE lowered_at END
        FROM locked WHERE budgets.owner_id = locked.owner_id AND budgets.scope = locked.scope
        """,
        [closing.owner_id for closing in closings],
        ["\n".join(closing.scopes) for closing in closings],
        [closing.close_s for closing in closings],
        [closing.is_refusal for closing in closings],
        STRIKES_WITHIN_S,
        STRIKES,
        LOWER_TO,
        LEAST_SHARE,
    )


async def closed_for_s(connection: Connection, owner_id: UUID, scopes: Sequence[str]) -> float:
    """Seconds until none of an owner's budgets of these scopes is closed, its account's included; 0: none is."""
    closed_s: float = await connection.fetchval(
        """
        SELECT GREATEST(0, COALESCE(max(extract(epoch FROM closed_until - fleetwrite_now())), 0))::float8
        FROM lane_owners o JOIN budgets b ON b.owner_id IN (o.id, o.account_id)
        WHERE o.id = $1 AND scope = ANY($2::text[])
        """,
        owner_id,
        list(scopes),
    )
    return closed_s
