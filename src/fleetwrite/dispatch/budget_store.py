"""All SQL of budgets.

A budget belongs to an owner, or to the account whose budgets several owners share; a scope names one budget for each
owner, wherever it is kept.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fleetwrite.dispatch.closing import Budget, close
from fleetwrite.dispatch.models import BudgetLimit, Closing
from fleetwrite.dispatch.pacing import MOST_FORGIVEN_S, Pace, grown_back
from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Connection


async def select_account(connection: Connection, owner_id: UUID) -> UUID | None:
    account_id: UUID | None = await connection.fetchval("SELECT account_id FROM lane_owners WHERE id = $1", owner_id)
    return account_id


async def select_keepers(connection: Connection, owner_id: UUID, scopes: Sequence[str]) -> tuple[list[UUID], bool]:
    """Who keeps an owner's budgets, and whether it is denied calls of these scopes."""
    row = await connection.fetchrow(
        """
        SELECT account_id, EXISTS (SELECT FROM bars WHERE owner_id = $1 AND scope = ANY($2::text[])) AS is_barred
        FROM lane_owners WHERE id = $1
        """,
        owner_id,
        list(scopes),
    )
    if row is None:
        return [owner_id], False
    return [owner_id, *([row["account_id"]] if row["account_id"] else [])], row["is_barred"]


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
    connection: Connection,
    keepers: Mapping[str, UUID],
    limits: Mapping[str, BudgetLimit],
    usual: Mapping[str, BudgetLimit],
) -> None:
    """Give every scope in `keepers` its new limit; one that is not in `limits` has none, but stays closable.

    What was learnt of the old limits is forgotten. A limit other than the `usual` one is noted as chosen.
    """
    pairs = sorted((keeper, scope) for scope, keeper in keepers.items())
    new = [limits.get(scope) or BudgetLimit(scope=scope) for _, scope in pairs]
    await connection.execute(
        """
        WITH wanted AS (
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::float8[], $5::int[], $6::bool[])
                AS w (owner_id, scope, requests, per_seconds, in_flight, chosen)
        ), locked AS (
            SELECT wanted.* FROM budgets JOIN wanted USING (owner_id, scope)
            ORDER BY owner_id, scope FOR NO KEY UPDATE OF budgets
        )
        UPDATE budgets SET requests = locked.requests, per_seconds = locked.per_seconds, in_flight = locked.in_flight,
               chosen = locked.chosen, next_at = LEAST(next_at, fleetwrite_now()), share = 1, strikes = 0
        FROM locked WHERE budgets.owner_id = locked.owner_id AND budgets.scope = locked.scope
        """,
        [keeper for keeper, _ in pairs],
        *_columns(new),
        [_numbers(limit) != _numbers(usual.get(limit.scope)) for limit in new],
    )


async def select_outdated(
    connection: Connection, owner_ids: Collection[UUID], usual: Sequence[BudgetLimit]
) -> list[UUID]:
    """Those of these owners that lack one of the `usual` budgets, or have another limit that nobody chose."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT o.id FROM lane_owners o
        CROSS JOIN unnest($2::text[], $3::int[], $4::float8[], $5::int[], $6::bool[])
            AS usual (scope, requests, per_seconds, in_flight, shared)
        LEFT JOIN budgets b ON b.scope = usual.scope
            AND b.owner_id = CASE WHEN usual.shared THEN COALESCE(o.account_id, o.id) ELSE o.id END
        WHERE o.id = ANY($1::uuid[]) AND (b.scope IS NULL OR (NOT b.chosen
            AND (b.requests, b.per_seconds, b.in_flight)
                IS DISTINCT FROM (usual.requests, usual.per_seconds, usual.in_flight)))
        """,
        list(owner_ids),
        *_columns(usual),
        [limit.shared for limit in usual],
    )
    return [row["id"] for row in rows]


async def renew_limits(connection: Connection, owner_id: UUID, usual: Sequence[BudgetLimit]) -> None:
    """Give those budgets of an owner the `usual` limits that nobody chose others for, its account's included.

    What was learnt of a limit that changes is forgotten.
    """
    await connection.execute(
        """
        WITH locked AS (
            SELECT b.owner_id, usual.* FROM lane_owners o
            CROSS JOIN unnest($2::text[], $3::int[], $4::float8[], $5::int[], $6::bool[])
                AS usual (scope, requests, per_seconds, in_flight, shared)
            JOIN budgets b ON b.scope = usual.scope
                AND b.owner_id = CASE WHEN usual.shared THEN COALESCE(o.account_id, o.id) ELSE o.id END
            WHERE o.id = $1 AND NOT b.chosen AND (b.requests, b.per_seconds, b.in_flight)
                IS DISTINCT FROM (usual.requests, usual.per_seconds, usual.in_flight)
            ORDER BY b.owner_id, b.scope FOR NO KEY UPDATE OF b
        )
        UPDATE budgets SET requests = locked.requests, per_seconds = locked.per_seconds, in_flight = locked.in_flight,
               next_at = LEAST(next_at, fleetwrite_now()), share = 1, strikes = 0
        FROM locked WHERE budgets.owner_id = locked.owner_id AND budgets.scope = locked.scope
        """,
        owner_id,
        *_columns(usual),
        [limit.shared for limit in usual],
    )


def _columns(limits: Sequence[BudgetLimit]) -> tuple[list[str], list[int | None], list[float | None], list[int | None]]:
    return (
        [limit.scope for limit in limits],
        [limit.requests for limit in limits],
        [limit.per_seconds for limit in limits],
        [limit.in_flight for limit in limits],
    )


def _numbers(limit: BudgetLimit | None) -> tuple[int | None, float | None, int | None]:
    return (None, None, None) if limit is None else (limit.requests, limit.per_seconds, limit.in_flight)


async def lock_budgets(
    connection: Connection,
    keeper_ids: Collection[UUID],
    scopes: Collection[str] | None = None,
    process_id: UUID | None = None,
    besides: UUID | None = None,
) -> tuple[datetime, dict[tuple[UUID, str], Pace]]:
    """The database's time, and the state of these keepers' budgets (of these scopes only, where given), locked.

    `process_id` is whose calls are to be paced: what it has had for itself for a whole window, it may be late in.
    `besides` is a job that does not count as in flight.
    """
    rows = await connection.fetch(
        """
        SELECT owner_id, scope, requests, per_seconds, next_at, closed_until, in_flight, share, lowered_at, claimed_by,
               claimed_by = $3 AND claimed_since < fleetwrite_now() - make_interval(secs => per_seconds) AS is_alone
        FROM budgets
        WHERE owner_id = ANY($1::uuid[]) AND ($2::text[] IS NULL OR scope = ANY($2::text[]))
        ORDER BY owner_id, scope FOR NO KEY UPDATE
        """,
        sorted(set(keeper_ids)),
        None if scopes is None else sorted(set(scopes)),
        process_id,
    )
    now: datetime = await connection.fetchval("SELECT fleetwrite_now()")
    paces = {(row["owner_id"], row["scope"]): pace_of(row, now) for row in rows}
    for row in rows:
        if row["is_alone"]:
            paces[row["owner_id"], row["scope"]].forgives_s = MOST_FORGIVEN_S
    capped = [key for key, pace in paces.items() if pace.room is not None]
    if capped:
        for key, flying in (await _count_in_flight(connection, capped, besides)).items():
            paces[key].room = (paces[key].room or 0) - flying
    return now, paces


async def select_states(connection: Connection, owner_id: UUID, scopes: Sequence[str], *, with_bars: bool) -> list[Any]:
    """The budgets of these scopes of an owner, its account's included, as they stand; nothing is locked.

    One that is open, and whose calls the owner is denied, shows as closed where `with_bars`.
    """
    return await connection.fetch(
        """
        SELECT b.scope, requests, per_seconds, next_at, GREATEST(closed_until, bars.until) AS closed_until, in_flight,
               share, lowered_at, claimed_by
        FROM lane_owners o JOIN budgets b ON b.owner_id IN (o.id, o.account_id)
        LEFT JOIN bars ON $3 AND bars.owner_id = o.id AND bars.scope = b.scope
        WHERE o.id = $1 AND b.scope = ANY($2::text[]) ORDER BY b.scope
        """,
        owner_id,
        scopes,
        with_bars,
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


async def _count_in_flight(
    connection: Connection, keys: Sequence[tuple[UUID, str]], besides: UUID | None
) -> dict[tuple[UUID, str], int]:
    """How many jobs under each of these budgets are being worked on."""
    rows = await connection.fetch(
        """
        SELECT k.owner_id, k.scope, count(*) AS flying
        FROM unnest($1::uuid[], $2::text[]) AS k (owner_id, scope)
        JOIN lane_owners o ON o.id = k.owner_id OR o.account_id = k.owner_id
        JOIN lanes l ON l.owner_id = o.id
        JOIN jobs j ON j.lane_id = l.id AND j.lease IS NOT NULL AND j.due_at > fleetwrite_now()
            AND (k.scope = ANY(l.scopes) OR k.scope = ANY(j.calling))
        WHERE j.id IS DISTINCT FROM $3 GROUP BY k.owner_id, k.scope
        """,
        [keeper for keeper, _ in keys],
        [scope for _, scope in keys],
        besides,
    )
    return {(row["owner_id"], row["scope"]): row["flying"] for row in rows}


async def are_last_slots_of(connection: Connection, owner_id: UUID, scopes: Sequence[str], process_id: UUID) -> bool:
    """Whether this process handed out the last slot of each limited budget of these scopes of an owner."""
    theirs: bool = await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM lane_owners o JOIN budgets b ON b.owner_id IN (o.id, o.account_id)
        WHERE o.id = $1 AND scope = ANY($2::text[]) AND requests IS NOT NULL AND claimed_by IS DISTINCT FROM $3)
        """,
        owner_id,
        list(scopes),
        process_id,
    )
    return not theirs


async def update_next_at(
    connection: Connection, taken: Sequence[tuple[UUID, str, datetime]], claimed_by: UUID | None
) -> None:
    """Keep the state of budgets of which slots were taken, and by which process."""
    await connection.execute(
        """
        UPDATE budgets SET next_at = taken.next_at, claimed_by = $4,
               claimed_since = CASE WHEN claimed_by IS DISTINCT FROM $4 THEN fleetwrite_now() ELSE claimed_since END
        FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS taken (owner_id, scope, next_at)
        WHERE budgets.owner_id = taken.owner_id AND budgets.scope = taken.scope
        """,
        [keeper for keeper, _, _ in taken],
        [scope for _, scope, _ in taken],
        [next_at for _, _, next_at in taken],
        claimed_by,
    )


async def close_budgets(connection: Connection, closings: Sequence[tuple[UUID, Closing]]) -> None:
    """Close what is concerned of the budgets under which calls of owners fell; `dispatch.closing` says what is."""
    of_owner = await _lock_for_closing(
        connection, {owner_id for owner_id, _ in closings}, {scope for _, one in closings for scope in one.call}
    )
    now = await database_now(connection)
    for owner_id, closing in closings:
        fallen_under = [budget for budget in of_owner.get(owner_id, []) if budget.scope in closing.call]
        close(closing, fallen_under, now)
    closed = {budget.key: budget for budgets in of_owner.values() for budget in budgets}.values()
    await connection.execute(
        """
        UPDATE budgets SET closed_until = c.closed_until, share = c.share, lowered_at = c.lowered_at,
               strikes = c.strikes, struck_at = c.struck_at, blamed_owner_id = c.blamed_owner_id,
               blamed_scope = c.blamed_scope, blamed_until = c.blamed_until
        FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::float8[], $5::timestamptz[], $6::int[],
                    $7::timestamptz[], $8::uuid[], $9::text[], $10::timestamptz[])
            AS c (owner_id, scope, closed_until, share, lowered_at, strikes, struck_at, blamed_owner_id, blamed_scope,
                  blamed_until)
        WHERE budgets.owner_id = c.owner_id AND budgets.scope = c.scope
        """,
        [one.keeper_id for one in closed],
        [one.scope for one in closed],
        [one.closed_until for one in closed],
        [one.share for one in closed],
        [one.lowered_at for one in closed],
        [one.strikes for one in closed],
        [one.struck_at for one in closed],
        [one.blamed and one.blamed[0] for one in closed],
        [one.blamed and one.blamed[1] for one in closed],
        [one.blamed_until for one in closed],
    )


async def _lock_for_closing(
    connection: Connection, owner_ids: Collection[UUID], scopes: Collection[str]
) -> dict[UUID, list[Budget]]:
    """For each owner its budgets of these scopes, its account's included, locked."""
    rows = await connection.fetch(
        """
        SELECT o.id, b.owner_id, scope, requests, per_seconds, closed_until, share, lowered_at,
               strikes, struck_at, blamed_owner_id, blamed_scope, blamed_until
        FROM lane_owners o JOIN budgets b ON b.owner_id IN (o.id, o.account_id)
        WHERE o.id = ANY($1::uuid[]) AND scope = ANY($2::text[])
        ORDER BY b.owner_id, scope FOR NO KEY UPDATE OF b
        """,
        list(owner_ids),
        list(scopes),
    )
    budgets: dict[tuple[UUID, str], Budget] = {}
    of_owner: dict[UUID, list[Budget]] = {}
    for row in rows:
        # An account's budget comes once for each of its owners, and must be one thing.
        budget = budgets.setdefault((row["owner_id"], row["scope"]), _budget(row))
        of_owner.setdefault(row["id"], []).append(budget)
    return of_owner


def _budget(row: Any) -> Budget:
    return Budget(
        keeper_id=row["owner_id"],
        scope=row["scope"],
        apart_s=0.0 if row["requests"] is None else row["per_seconds"] / row["requests"],
        closed_until=row["closed_until"],
        share=row["share"],
        lowered_at=row["lowered_at"],
        strikes=row["strikes"],
        struck_at=row["struck_at"],
        blamed=None if row["blamed_scope"] is None else (row["blamed_owner_id"], row["blamed_scope"]),
        blamed_until=row["blamed_until"],
    )


async def closed_for_s(connection: Connection, owner_id: UUID, scopes: Sequence[str], trials: Sequence[str]) -> float:
    """Seconds until an owner may make calls of these scopes, as none of their budgets is closed, its account's
    included, and none is barred but those that the call is a trial of; 0: it may.
    """
    closed_s: float = await connection.fetchval(
        """
        SELECT GREATEST(0, COALESCE(max(extract(epoch FROM until - fleetwrite_now())), 0))::float8 FROM (
            SELECT closed_until AS until FROM lane_owners o JOIN budgets b ON b.owner_id IN (o.id, o.account_id)
            WHERE o.id = $1 AND scope = ANY($2::text[])
            UNION ALL SELECT until FROM bars
            WHERE owner_id = $1 AND scope = ANY($2::text[]) AND scope <> ALL($3::text[])
        ) AS closings
        """,
        owner_id,
        list(scopes),
        list(trials),
    )
    return closed_s
