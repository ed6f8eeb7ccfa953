"""Reads records for partners. Who writes them does so in a transaction of its own, by the store."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.pages import DEFAULT_SPAN, LONGEST_SPAN
from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.keyset import Page, Window
from fleetwrite.records import store
from fleetwrite.records.errors import InvalidRecordQueryError, RecordNotFoundError
from fleetwrite.records.listing import RecordFilter, page_shared
from fleetwrite.records.models import SharedRecord
from fleetwrite.records.references import Source, sources_in
from fleetwrite.records.rendering import ReadModel, to_read
from fleetwrite.records.sorting import DEFAULT, ORDERS


class CountedPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page, and how many records there are on all pages together."""

    page: Page[ReadModel]
    total: int


class RecordService:
    """Records, as partners see them through their agreements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        partner_id: UUID,
        wanted: RecordFilter,
        window: Window,
        *,
        sort_by: str = DEFAULT,
        include_source_data: bool = False,
    ) -> CountedPage:
        """A page of the partner's records, by one of the resource's `ORDERS`.

        Raises:
            BadCursorError: the cursor is none of this list, or one of another order.
        """
        order = ORDERS[wanted.resource][sort_by]
        async with self._database.acquire() as connection:
            page, total = await page_shared(
                connection, partner_id, wanted, order, window, include_source_data=include_source_data
            )
            ids = await _pointed(connection, page.items)
        rendered = page.of(lambda shared: to_read(shared, ids, include_source_data=include_source_data))
        return CountedPage(page=rendered, total=total)

    async def page_of_span(
        self,
        partner_id: UUID,
        wanted: RecordFilter,
        window: Window,
        *,
        sort_by: str = DEFAULT,
        include_source_data: bool = False,
    ) -> CountedPage:
        """The same, of what occurred within the filter's times: until now and for a day, where it does not say.

        Raises:
            InvalidRecordQueryError: they are too far apart.
            BadCursorError: as above.
        """
        async with self._database.acquire() as connection:
            now = await database_now(connection)
        to_at = wanted.occurred_to or now
        from_at = wanted.occurred_from or to_at - DEFAULT_SPAN
        _check_span(from_at, to_at)
        within = msgspec.structs.replace(wanted, occurred_from=from_at, occurred_to=to_at)
        return await self.page(partner_id, within, window, sort_by=sort_by, include_source_data=include_source_data)

    async def get(
        self, partner_id: UUID, resource: ResourceEnum, record_id: UUID, *, include_source_data: bool = False
    ) -> ReadModel:
        """The record of this kind and id.

        Raises:
            RecordNotFoundError: it is none of the partner's, or of another kind, or never was.
            RecordNotSharedError: the fleet does not let the partner read records of this kind, or not now.
        """
        async with self._database.acquire() as connection:
            shared = await store.find_shared(connection, partner_id, resource, record_id)
            if shared is None:
                raise RecordNotFoundError(resource, record_id)
            ids = await _pointed(connection, [shared])
        return to_read(shared, ids, include_source_data=include_source_data)


async def _pointed(connection: Connection, records: Sequence[SharedRecord]) -> dict[Source, UUID]:
    """Our ids of all that these records point to."""
    pointed = {
        source
        for shared in records
        for source in sources_in(shared.record.connection_id, shared.record.resource, shared.record.attributes)
    }
    return await store.select_ids(connection, pointed) if pointed else {}


def _check_span(from_at: datetime, to_at: datetime) -> None:
    if to_at - from_at > LONGEST_SPAN:
        raise InvalidRecordQueryError(
            [
                ValidationErrorDetail(
                    path="query.from_datetime",
                    input=from_at.isoformat(),
                    message=f"At most {LONGEST_SPAN.days} days can be listed at once; ask for a shorter span.",
                    error_type=ErrorType.RANGE,
                )
            ]
        )
