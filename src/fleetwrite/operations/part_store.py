"""All SQL of the parts of operations."""

from collections.abc import Sequence
from uuid import UUID

from fleetwrite.kit.database import Connection
from fleetwrite.operations.models import Part, PartState


async def insert_parts(connection: Connection, parts: Sequence[tuple[UUID, Part]]) -> None:
    """Insert (operation, part)."""
    await connection.execute(
        """
        INSERT INTO operation_parts (operation_id, position, recipient_id, state, attempts)
        SELECT operation_id, position, recipient_id, 'waiting', 0
        FROM unnest($1::uuid[], $2::int[], $3::uuid[]) AS new (operation_id, position, recipient_id)
        """,
        [of for of, _ in parts],
        [part.position for _, part in parts],
        [part.recipient_id for _, part in parts],
    )


async def select_parts(connection: Connection, operation_id: UUID) -> list[Part]:
    """The parts of an operation, in the order of its body; none where it is sent as it is."""
    rows = await connection.fetch(
        "SELECT * FROM operation_parts WHERE operation_id = $1 ORDER BY position", operation_id
    )
    return [
        Part(
            position=row["position"],
            recipient_id=row["recipient_id"],
            state=PartState(row["state"]),
            attempts=row["attempts"],
            begun_at=row["begun_at"],
            source_id=row["source_id"],
            details=row["details"],
        )
        for row in rows
    ]


async def count_done(connection: Connection, operation_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many recipients each of these operations reached; those that reached none are left out."""
    rows = await connection.fetch(
        "SELECT operation_id, count(*) AS count FROM operation_parts"
        " WHERE operation_id = ANY($1::uuid[]) AND state = 'done' GROUP BY operation_id",
        operation_ids,
    )
    return {row["operation_id"]: row["count"] for row in rows}


async def update_parts(connection: Connection, parts: Sequence[tuple[UUID, Part]]) -> None:
    """Store (operation, part) as they stand now."""
    await connection.execute(
        """
        UPDATE operation_parts SET state = new.state, attempts = new.attempts, begun_at = new.begun_at,
               source_id = new.source_id, details = new.details
        FROM unnest($1::uuid[], $2::int[], $3::text[], $4::int[], $5::timestamptz[], $6::text[], $7::text[])
            AS new (operation_id, position, state, attempts, begun_at, source_id, details)
        WHERE operation_parts.operation_id = new.operation_id AND operation_parts.position = new.position
        """,
        [of for of, _ in parts],
        [part.position for _, part in parts],
        [part.state for _, part in parts],
        [part.attempts for _, part in parts],
        [part.begun_at for _, part in parts],
        [part.source_id for _, part in parts],
        [part.details for _, part in parts],
    )


async def close_parts(connection: Connection, failed: Sequence[tuple[UUID, bool, str | None]]) -> None:
    """End what is still open of operations that failed: (operation, whether it may be written, why)."""
    await connection.execute(
        """
        UPDATE operation_parts SET details = failed.details,
               state = CASE WHEN state = 'sending' OR failed.may_be_written THEN 'unknown' ELSE 'failed' END
        FROM unnest($1::uuid[], $2::bool[], $3::text[]) AS failed (operation_id, may_be_written, details)
        WHERE operation_parts.operation_id = failed.operation_id AND state IN ('waiting', 'sending')
        """,
        [of for of, _, _ in failed],
        [may_be_written for _, may_be_written, _ in failed],
        [details for _, _, details in failed],
    )
