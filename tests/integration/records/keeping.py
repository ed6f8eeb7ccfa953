"""What a pull does with a page, for tests that need records and no provider."""

from collections.abc import Sequence
from uuid import UUID

from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Connection
from fleetwrite.records.keeping_store import keep_listed
from fleetwrite.records.store import select_ids


async def keep(
    connection: Connection, connection_id: UUID, listing: Sequence[SourceRecord]
) -> dict[tuple[ResourceEnum, str], UUID]:
    """Keep what a provider lists now; returns our ids."""
    await keep_listed(connection, connection_id, listing, await database_now(connection))
    ids = await select_ids(connection, [(connection_id, record.resource, record.source_id) for record in listing])
    return {(resource, source_id): found for (_, resource, source_id), found in ids.items()}
