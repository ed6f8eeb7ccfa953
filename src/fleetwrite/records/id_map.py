"""The id map for partners: look up, take along as a file, bring ids of one's own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

import msgspec

from fleetwrite.audit import trail
from fleetwrite.audit.models import FLEETWRITE, Actor, Deed
from fleetwrite.contract.errors import ErrorType
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.keyset import Page, Window
from fleetwrite.kit.tenancy import acting_as_system
from fleetwrite.records import id_import_store, id_map_store
from fleetwrite.records.csv_rows import MOST_FAULTS, ImportFaults
from fleetwrite.records.errors import InvalidImportError, RecordsMetMeanwhileError
from fleetwrite.records.id_map_csv import read_lines, write_header, write_lines
from fleetwrite.records.id_map_models import ImportResult, LookUp, NamedLine, RecordMapping

FirstNamed = Callable[[Connection, str, int], Awaitable[Sequence[NamedLine]]]
"""The first lines of a table such as `CHANGING` whose records operations name, so many at most."""

_EXPORT_PAGE: Final = 1000
"""Lines that are in memory at a time."""

_TRIES: Final = 3
"""A pull that meets the same records at the same time is over with its page; the next try finds them."""


class IdMap:
    """Which id of ours stands for what at a provider."""

    def __init__(self, database: Database, first_named: FirstNamed) -> None:
        self._database = database
        self._first_named = first_named
        # Each takes a connection for seconds, and there are not many.
        self._one_import = asyncio.Lock()

    async def look_up(self, partner_id: UUID, wanted: LookUp, window: Window) -> Page[RecordMapping]:
        """A page of what is looked up.

        Raises:
            BadCursorError: the cursor is none of ours.
        """
        async with self._database.acquire() as connection:
            return await id_map_store.page_mappings(connection, partner_id, wanted, window)

    async def export(self, partner_id: UUID, wanted: LookUp) -> AsyncIterator[bytes]:
        """The id map as CSV, piece by piece, by connection, resource and source_id; only what narrows it counts."""
        async with self._database.acquire() as connection:
            parts = await id_map_store.select_parts(connection, partner_id, wanted)
        yield write_header()
        for part in parts:
            after = ""
            while True:
                # Between two pages nothing is held: whoever reads slowly is in nobody's way.
                async with self._database.acquire() as connection:
                    page = await id_map_store.select_mappings_after(connection, partner_id, part, after, _EXPORT_PAGE)
                if page:
                    yield write_lines(page)
                if len(page) < _EXPORT_PAGE:
                    break
                after = page[-1].source_id

    async def import_file(
        self, partner_id: UUID, raw: bytes, *, apply: bool, actor: Actor = FLEETWRITE
    ) -> ImportResult:
        """Take over the ids and the partner's own names that a file brings: all of them or none.

        Args:
            partner_id: whose.
            raw: CSV; see `fleetwrite.records.id_map_csv`.
            apply: do it; otherwise only say what would be done.
            actor: who brings it.

        Raises:
            InvalidImportError: what is wrong, line by line; nothing was changed.
            RecordsMetMeanwhileError: others write the same records all the time.
        """
        # As the system: an id must be nobody's, and a record that another partner knows, or that operations name, keeps
        # its own. Of connections that the file names, only the partner's are matched.
        async with self._one_import:
            with acting_as_system():
                for _ in range(_TRIES - 1):
                    try:
                        return await self._import(partner_id, raw, actor, apply=apply)
                    except RecordsMetMeanwhileError:
                        continue
                return await self._import(partner_id, raw, actor, apply=apply)

    async def _import(self, partner_id: UUID, raw: bytes, actor: Actor, *, apply: bool) -> ImportResult:
        faults = ImportFaults()
        async with self._database.transaction() as connection:
            await id_import_store.stage(connection, partner_id, read_lines(raw, faults), lock=apply)
            await self._check(connection, faults)
            if len(faults):
                raise InvalidImportError(faults.details())
            changes = await id_import_store.count_changes(connection)
            if apply:
                await id_import_store.apply(connection, partner_id)
                told = msgspec.structs.asdict(changes)
                await trail.append(connection, actor, Deed.PARTNER_IDS_IMPORTED, partner_id, told)
        return ImportResult(applied=apply, **msgspec.structs.asdict(changes))

    async def _check(self, connection: Connection, faults: ImportFaults) -> None:
        # One more than is told says that there are more.
        for faulty in await id_import_store.faulty_lines(connection, MOST_FAULTS + 1):
            faults.add(*faulty)
        for named in await self._first_named(connection, id_import_store.CHANGING, MOST_FAULTS + 1):
            message = (
                f"The record {named.source_id} has the id {named.id}, and operations name it: it can not be changed. "
                "Take that id over on your side."
            )
            faults.add(named.line, "id", "", message, ErrorType.CONFLICT)
