"""SQL of bars: calls that the other side denies an owner, whose right to make them is missing.

A bar is the owner's alone, unlike a budget, which a whole account may share: what one login may not do another may. It
is kept like a budget of one call each `for_s` seconds: the trial that finds out whether it still holds. A trial that is
let through lifts it, one that is denied doubles the time until the next. The order of locks is that of
`dispatch.store`; bars come after budgets.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from fleetwrite.dispatch.models import Bar, Job
from fleetwrite.dispatch.pacing import Pace
from fleetwrite.kit.database import Connection

FIRST_S: Final = 60.0
"""Until the first trial. Giving a right takes a person longer than that; a mistake of the other side may be over."""

LONGEST_S: Final = 3600.0
"""The intervals double up to this: a person has to act, and 24 refused calls a day disturb nobody."""

Key = tuple[UUID, str]


class Barred(msgspec.Struct, frozen=True):
    """A bar as it stands.

    Attributes:
        owner_id: who may not call.
        scope: the calls that it may not make.
        since: no such call was let through since then.
        until: the next trial begins no earlier.
        for_s: seconds between two trials.
    """

    owner_id: UUID
    scope: str
    since: datetime
    until: datetime
    for_s: float

    def pace(self) -> Pace:
        """The bar as a budget."""
        return Pace(timedelta(seconds=self.for_s), self.until, self.until)


async def change(connection: Connection, barred: Sequence[tuple[UUID, Bar]], lifted: Collection[Key]) -> None:
    """Raise bars for calls of owners, and lift others."""
    keys = sorted({*((owner_id, bar.scope) for owner_id, bar in barred), *lifted})
    await connection.execute(
        """
        SELECT 1 FROM bars JOIN unnest($1::uuid[], $2::text[]) AS wanted (owner_id, scope) USING (owner_id, scope)
        ORDER BY owner_id, scope FOR UPDATE OF bars
        """,
        *_columns(keys),
    )
    if lifted:
        await connection.execute(
            """
            DELETE FROM bars USING unnest($1::uuid[], $2::text[]) AS lifted (owner_id, scope)
            WHERE bars.owner_id = lifted.owner_id AND bars.scope = lifted.scope
            """,
            *_columns(lifted),
        )
    if barred:
        await _raise(connection, barred)


async def _raise(connection: Connection, barred: Iterable[tuple[UUID, Bar]]) -> None:
    # Calls that were on their way when a bar was raised change nothing about it, only trials do.
    tried = {(owner_id, bar.scope) for owner_id, bar in barred if bar.is_again}
    extended = await connection.fetch(
        """
        UPDATE bars SET for_s = LEAST(for_s * 2, $3),
               until = fleetwrite_now() + make_interval(secs => LEAST(for_s * 2, $3))
        FROM unnest($1::uuid[], $2::text[]) AS tried (owner_id, scope)
        WHERE bars.owner_id = tried.owner_id AND bars.scope = tried.scope RETURNING bars.owner_id, bars.scope
        """,
        *_columns(tried),
        LONGEST_S,
    )
    fresh = {(owner_id, bar.scope) for owner_id, bar in barred} - {(row["owner_id"], row["scope"]) for row in extended}
    await connection.execute(
        """
        INSERT INTO bars (owner_id, scope, since, until, for_s)
        SELECT owner_id, scope, fleetwrite_now(), fleetwrite_now() + make_interval(secs => $3), $3
        FROM unnest($1::uuid[], $2::text[]) AS fresh (owner_id, scope)
        ON CONFLICT (owner_id, scope) DO NOTHING
        """,
        *_columns(sorted(fresh)),
        FIRST_S,
    )


async def lift_all(connection: Connection, owner_id: UUID) -> None:
    """Let all calls of an owner through again: it may have another login, or another right."""
    await connection.execute(
        """
        WITH locked AS (SELECT owner_id, scope FROM bars WHERE owner_id = $1 ORDER BY scope FOR UPDATE)
        DELETE FROM bars USING locked WHERE bars.owner_id = locked.owner_id AND bars.scope = locked.scope
        """,
        owner_id,
    )


async def select_bars(connection: Connection, owner_ids: Collection[UUID]) -> list[Barred]:
    """All bars of these owners."""
    rows = await connection.fetch(
        "SELECT owner_id, scope, since, until, for_s FROM bars WHERE owner_id = ANY($1::uuid[])", list(owner_ids)
    )
    return [Barred(*row) for row in rows]


async def select_oldest(connection: Connection, most: int) -> list[Barred]:
    """Up to `most` bars, those that have held longest."""
    rows = await connection.fetch(
        "SELECT owner_id, scope, since, until, for_s FROM bars ORDER BY since, owner_id, scope LIMIT $1", most
    )
    return [Barred(*row) for row in rows]


async def note_trials(connection: Connection, trials: Iterable[tuple[UUID, str, datetime]]) -> None:
    """Note that a trial of these bars begins; unless it lifts them, the next one may begin at the given instant."""
    noted = sorted(trials)
    await connection.execute(
        """
        WITH locked AS (
            SELECT owner_id, scope, t.until
            FROM bars JOIN unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS t (owner_id, scope, until)
                USING (owner_id, scope)
            ORDER BY owner_id, scope FOR NO KEY UPDATE OF bars
        )
        UPDATE bars SET until = locked.until
        FROM locked WHERE bars.owner_id = locked.owner_id AND bars.scope = locked.scope
        """,
        [owner_id for owner_id, _, _ in noted],
        [scope for _, scope, _ in noted],
        [until for _, _, until in noted],
    )


async def select_since(connection: Connection, jobs: Sequence[Job]) -> dict[UUID, datetime]:
    """Since when the calls of these jobs are barred, by the job's id; those that may be made are left out."""
    bars = await select_bars(connection, {job.owner_id for job in jobs})
    since = {(bar.owner_id, bar.scope): bar.since for bar in bars}
    found = {
        job.id: [since[job.owner_id, scope] for scope in job.scopes if (job.owner_id, scope) in since] for job in jobs
    }
    return {job_id: min(instants) for job_id, instants in found.items() if instants}


def _columns(keys: Collection[Key]) -> tuple[list[UUID], list[str]]:
    return [owner_id for owner_id, _ in keys], [scope for _, scope in keys]
