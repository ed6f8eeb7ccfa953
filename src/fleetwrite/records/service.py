"""Reads records for partners. Who writes them does so in a transaction of its own, by the store."""

from uuid import UUID

import msgspec

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.database import Database
from fleetwrite.kit.keyset import Page, Window
from fleetwrite.records import store
from fleetwrite.records.errors import RecordNotFoundError
from fleetwrite.records.rendering import ReadModel, to_read


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
        wanted: store.RecordFilter,
        window: Window,
        *,
        include_source_data: bool = False,
    ) -> CountedPage:
        """A page of the partner's records, in the order in which we first heard of them."""
        async with self._database.acquire() as connection:
            page, total = await store.page_shared(
                connection, partner_id, wanted, window, include_source_data=include_source_data
            )
        rendered = page.of(lambda shared: to_read(shared, include_source_data=include_source_data))
        return CountedPage(page=rendered, total=total)

    async def get(
        self, partner_id: UUID, resource: ResourceEnum, record_id: UUID, *, include_source_data: bool = False
    ) -> ReadModel:
        """The vehicle, trailer or user of this id.

        Raises:
            RecordNotFoundError: the partner may not see it, or it is of another kind, or never was.
        """
        async with self._database.acquire() as connection:
            shared = await store.find_shared(connection, partner_id, resource, record_id)
        if shared is None:
            raise RecordNotFoundError(resource, record_id)
        return to_read(shared, include_source_data=include_source_data)
