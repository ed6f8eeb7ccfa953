"""SQL of holding and shutting: which owners' lanes may send. The order of locks is that of `dispatch.store`.

An owner is held for reasons of its own, and shut by something that it shares with others. Its lanes carry one flag for
both, so that a claim passes over them without looking at them: work that may not be sent costs nothing.
"""

from collections.abc import Collection
from uuid import UUID

from fleetwrite.kit.database import Connection


async def set_held(connection: Connection, owner_ids: Collection[UUID], *, held: bool) -> None:
    """Note it at the owners; `apply` lets their lanes follow."""
    await connection.execute(
        """
        WITH locked AS (SELECT id FROM lane_owners WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE)
        UPDATE lane_owners SET held = $2 FROM locked WHERE lane_owners.id = locked.id
        """,
        list(owner_ids),
        held,
    )


async def set_shut(connection: Connection, owner_ids: Collection[UUID], by: str | None) -> None:
    """Note at the owners what shuts them (None: nothing); `apply` lets their lanes follow."""
    await connection.execute(
        """
        WITH locked AS (SELECT id FROM lane_owners WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE)
        UPDATE lane_owners SET shut_by = $2 FROM locked WHERE lane_owners.id = locked.id
        """,
        list(owner_ids),
        by,
    )


async def select_shut(connection: Connection, by: str) -> list[UUID]:
    """The owners that are shut by this key."""
    rows = await connection.fetch("SELECT id FROM lane_owners WHERE shut_by = $1", by)
    return [row["id"] for row in rows]


async def apply(connection: Connection, owner_ids: Collection[UUID]) -> None:
    """Let the lanes of these owners do as their owners; those that may send are looked at at once."""
    await connection.execute(
        """
        WITH locked AS (
            SELECT lanes.id, lane_owners.held OR shut_by IS NOT NULL AS held
            FROM lanes JOIN lane_owners ON lane_owners.id = owner_id
            WHERE owner_id = ANY($1::uuid[]) ORDER BY lanes.id FOR NO KEY UPDATE OF lanes
        )
        UPDATE lanes SET held = locked.held,
               due_at = CASE WHEN locked.held THEN lanes.due_at ELSE fleetwrite_now() END
        FROM locked WHERE lanes.id = locked.id
        """,
        list(owner_ids),
    )


async def lock_lanes(connection: Connection, lane_ids: Collection[UUID], owner_ids: Collection[UUID]) -> None:
    """Lock these lanes and all lanes of these owners, in order, for statements that touch them in two groups."""
    await connection.execute(
        """
        SELECT 1 FROM lanes WHERE id = ANY($1::uuid[]) OR owner_id = ANY($2::uuid[]) ORDER BY id FOR NO KEY UPDATE
        """,
        list(lane_ids),
        list(owner_ids),
    )
