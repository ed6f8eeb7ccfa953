"""Safe to submit twice: a write that comes again under its key gets the first answer again."""

import hashlib
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from fleetwrite.contract.enums import ResourceOperationStatusEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import ResourceOperation
from fleetwrite.kit.database import Connection, Database
from fleetwrite.operations import store
from fleetwrite.operations.errors import IdempotencyKeyBusyError, IdempotencyKeyReusedError, IdempotencyKeyTakenError
from fleetwrite.operations.models import Operation, WriteRequest, WriteResult
from fleetwrite.operations.rendering import write_answer

BUSY_RETRY_AFTER_S: Final = 1
"""When to ask again for a sync write that is still under way; most take far less."""

_CANONICAL: Final = msgspec.json.Encoder(order="sorted", decimal_format="number")

# A key is free again 30 days after its operation ended, so that Monday's rerun of Friday's file is safe, and that of a
# month ago is a new wish; and at once where a sync write surely was not sent, as its client has to try again itself.
_FREE_AGAIN: Final = """
    EXISTS (
        SELECT 1 FROM operations o WHERE o.id = k.operation_id AND (
            o.settled_at < fleetwrite_now() - interval '30 days'
            OR (o.is_sync AND o.status = 'failed' AND EXISTS (
                SELECT 1 FROM attempts a WHERE a.operation_id = o.id AND a.error_details LIKE 'not_sent:%'))
        )
    )
"""


class KeyUse(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is to be kept with its operation."""

    partner_id: UUID
    key: str
    fingerprint: bytes
    operation_id: UUID
    losses: tuple[str, ...]


def fingerprint(request: WriteRequest) -> bytes:
    """What tells this write from another: method, path and body, whatever the body's spelling."""
    asked = (request.resource, request.operation_type, request.record_id, request.body)
    return hashlib.sha256(_CANONICAL.encode(asked)).digest()


async def keep_keys(connection: Connection, uses: Sequence[KeyUse]) -> None:
    """Keep keys with their operations, in the transaction that accepts these.

    Raises:
        IdempotencyKeyTakenError: a key stands for another operation already.
        asyncpg.CardinalityViolationError: two of `uses` have the same key.
    """
    kept = await connection.fetch(
        f"""
        INSERT INTO idempotency_keys AS k (partner_id, key, fingerprint, operation_id, losses)
        SELECT partner_id, key, fingerprint, operation_id, string_to_array(losses, ',')
        FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::uuid[], $5::text[])
            AS new (partner_id, key, fingerprint, operation_id, losses)
        ORDER BY partner_id, key
        ON CONFLICT (partner_id, key) DO UPDATE SET
            fingerprint = EXCLUDED.fingerprint, operation_id = EXCLUDED.operation_id, losses = EXCLUDED.losses
        WHERE {_FREE_AGAIN} RETURNING operation_id
        """,  # noqa: S608 - a constant
        [use.partner_id for use in uses],
        [use.key for use in uses],
        [use.fingerprint for use in uses],
        [use.operation_id for use in uses],
        [",".join(use.losses) for use in uses],
    )
    if len(kept) < len(uses):
        raise IdempotencyKeyTakenError("The Idempotency-Key stands for another write already.")


class Replays:
    """Finds the first answer to a write that comes again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, request: WriteRequest) -> WriteResult | None:
        """The answer that was given to this write before; None where it comes for the first time or has no key.

        Raises:
            IdempotencyKeyReusedError: the key stands for a different write.
            IdempotencyKeyBusyError: the first one is still under way.
        """
        key = request.directives.idempotency_key
        if key is None:
            return None
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(
                f"""
                SELECT fingerprint, operation_id, losses FROM idempotency_keys k
                WHERE partner_id = $1 AND key = $2 AND NOT {_FREE_AGAIN}
                """,  # noqa: S608 - a constant
                request.partner_id,
                key,
            )
            if row is None:
                return None
            if row["fingerprint"] != fingerprint(request):
                raise IdempotencyKeyReusedError(
                    "This Idempotency-Key came with another write before: repeat that one exactly, or take a new key."
                )
            operation = await store.select_operation(connection, request.partner_id, row["operation_id"])
            if operation is None:  # deleted since we looked: the key went with it
                return None
            answer = await _first_answer(connection, operation)
        return WriteResult(operation=answer, losses=tuple(row["losses"]), is_sync=operation.is_sync, is_replayed=True)


async def _first_answer(connection: Connection, operation: Operation) -> ResourceOperation:
    if not operation.is_sync:
        return write_answer(_as_accepted(operation), [])
    if operation.status is ResourceOperationStatusEnum.PENDING:
        raise IdempotencyKeyBusyError(
            "The write with this Idempotency-Key is still under way.", retry_after_s=BUSY_RETRY_AFTER_S
        )
    logs = await store.select_attempts(connection, [operation.id])
    return write_answer(operation, logs[operation.id])


def _as_accepted(operation: Operation) -> Operation:
    """The operation as the 202 showed it, whatever has become of it since."""
    created = msgspec.structs.replace(
        operation, status=ResourceOperationStatusEnum.PENDING, updated_at=operation.created_at
    )
    if operation.operation_type is ResourceOperationTypeEnum.UPDATE:
        return created
    return msgspec.structs.replace(created, resource_id=None, source_id=None)
