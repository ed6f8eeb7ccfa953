"""Bulk import of connections: fleets whose credentials are known already need no invitation."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec
import structlog

from fleetwrite.connections.errors import BadConnectionFieldsError
from fleetwrite.connections.fields import check_fields
from fleetwrite.connections.models import Connection as TspConnection
from fleetwrite.connections.service import ConnectionService
from fleetwrite.connectors.sdk.manifest import Manifest
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.contract.errors import ErrorType
from fleetwrite.kit.database import DATABASE_FAILURES, Database
from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.orgs import store
from fleetwrite.orgs.errors import PartnerNotFoundError
from fleetwrite.orgs.service import OrgService
from fleetwrite.provisioning.connection_csv import ConnectionLine, read_connections
from fleetwrite.records.csv_rows import ImportFaults
from fleetwrite.records.errors import InvalidImportError

log = structlog.get_logger(__name__)

LARGEST_FILE: Final = 16 * 1024 * 1024
"""Bytes: far more than the fleets of any partner that we know of. They are held while they are read."""

Progress = Callable[[int, int], None]
"""Told after each line: how many are done, and of how many."""


class LineResult(StrEnum):
    """What became of a line, or would."""

    NEW = "new"
    CREATED = "created"
    EXISTS = "exists"
    FAILED = "failed"


class LineReport(msgspec.Struct, frozen=True, kw_only=True):
    """A line and what became of it; `reason` says why it failed."""

    line: int
    partner: str
    fleet_ref: str
    tsp: str
    result: LineResult
    connection_id: UUID | None = None
    reason: str | None = None


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file; `applied` is false where it was only checked."""

    applied: bool
    created: int
    existing: int
    failed: int
    lines: list[LineReport]


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A line that can be done."""

    line: ConnectionLine
    partner_id: UUID
    partner_slug: str
    manifest: Manifest

    @property
    def key(self) -> tuple[UUID, str, str, str | None]:
        """What the same connection is told by, in this file and when it is repeated."""
        return self.partner_id, self.line.fleet_ref, self.manifest.slug, self.line.description

    def report(
        self, result: LineResult, connection: TspConnection | None = None, reason: str | None = None
    ) -> LineReport:
        return LineReport(
            line=self.line.line,
            partner=self.partner_slug,
            fleet_ref=self.line.fleet_ref,
            tsp=self.manifest.slug,
            result=result,
            connection_id=None if connection is None else connection.id,
            reason=reason,
        )


class ConnectionImport:
    """Imports files of connections, one at a time."""

    def __init__(
        self, database: Database, orgs: OrgService, connections: ConnectionService, registry: Registry
    ) -> None:
        self._database = database
        self._orgs = orgs
        self._connections = connections
        self._registry = registry
        self._one_import = asyncio.Lock()

    async def import_file(
        self, raw: bytes, *, partner: str | None = None, apply: bool, progress: Progress = lambda _done, _all: None
    ) -> ImportReport:
        """Connect the fleets that a file names. Every line is checked before the first is carried out.

        A connection that is there already, of the same fleet, provider and description, is left as it is: a file can
        be repeated. Fleets that are not known share everything. The credentials are not tried at the provider.

        Args:
            raw: CSV; see `fleetwrite.provisioning.connection_csv`.
            partner: the slug of the partner of all lines that name none.
            apply: do it; otherwise only say what would be done.
            progress: told how it goes on.

        Raises:
            InvalidImportError: what is wrong, line by line; nothing was changed.
        """
        async with self._one_import:
            wanted = await self._checked(raw, partner)
            reports: list[LineReport] = []
            for one in wanted:
                reports.append(await (self._carry_out(one) if apply else self._foretell(one)))
                progress(len(reports), len(wanted))
        counts = {result: sum(report.result is result for report in reports) for result in LineResult}
        return ImportReport(
            applied=apply,
            created=counts[LineResult.CREATED],
            existing=counts[LineResult.EXISTS],
            failed=counts[LineResult.FAILED],
            lines=reports,
        )

    async def _checked(self, raw: bytes, partner: str | None) -> list[_Wanted]:
        faults = ImportFaults()
        partners: dict[str, UUID | None] = {}
        wanted: list[_Wanted] = []
        first_lines: dict[tuple[UUID, str, str, str | None], int] = {}
        for line in read_connections(raw, faults):
            slug = line.partner or partner
            if slug is not None and slug not in partners:
                partners[slug] = await self._partner_id(slug)
            one = self._resolved(line, slug, partners, faults)
            if one is None:
                continue
            first = first_lines.setdefault(one.key, line.line)
            if first != line.line:
                message = f"Line {first} is about the same fleet and TSP: tell the two apart by `description`."
                faults.add(line.line, "description", line.description or "", message, ErrorType.CONFLICT)
            wanted.append(one)
        if len(faults):
            raise InvalidImportError(faults.details())
        return wanted

    def _resolved(
        self, line: ConnectionLine, slug: str | None, partners: Mapping[str, UUID | None], faults: ImportFaults
    ) -> _Wanted | None:
        """The line with whom and what it names; None where something is wrong with it."""
        known = len(faults)
        partner_id = None if slug is None else partners[slug]
        if partner_id is None:
            message = "Is required: the partner's slug." if slug is None else "There is no such partner: create it."
            faults.add(line.line, "partner", slug or "", message, ErrorType.UNKNOWN_ID if slug else ErrorType.MISSING)
        manifest = self._manifest(line, faults)
        if manifest is not None:
            try:
                check_fields(manifest, line.credentials, line.settings)
            except BadConnectionFieldsError as error:
                for fault in error.faults:
                    faults.add(line.line, fault.field, "", fault.message, fault.error_type)
        if len(faults) > known or partner_id is None or slug is None or manifest is None:
            return None
        return _Wanted(line=line, partner_id=partner_id, partner_slug=slug, manifest=manifest)

    def _manifest(self, line: ConnectionLine, faults: ImportFaults) -> Manifest | None:
        manifests = [connector.manifest for connector in self._registry]
        found = [
            one
            for one in manifests
            if line.tsp in {None, one.slug} and line.source_name in {None, one.source_name.value}
        ]
        if len(found) == 1:
            return found[0]
        slugs = ", ".join(sorted(one.slug for one in found or manifests))
        column = "source_name" if line.tsp is None else "tsp"
        message = "Several have it: name in `tsp` which." if found else "No connector that is installed serves it."
        faults.add(line.line, column, getattr(line, column), f"{message} There are: {slugs}.", ErrorType.ENUM)
        return None

    async def _partner_id(self, slug: str) -> UUID | None:
        try:
            return (await self._orgs.partner_of(slug)).id
        except PartnerNotFoundError:
            return None

    async def _foretell(self, one: _Wanted) -> LineReport:
        agreement = await self._orgs.agreement_of(one.partner_id, one.line.fleet_ref)
        there = None if agreement is None else await self._existing(agreement.fleet_id, one)
        return one.report(LineResult.NEW if there is None else LineResult.EXISTS, there)

    async def _carry_out(self, one: _Wanted) -> LineReport:
        try:
            return await self._connect(one)
        except FleetwriteError as error:
            return one.report(LineResult.FAILED, reason=str(error))
        except DATABASE_FAILURES as error:
            log.warning("import.line_failed", line=one.line.line, error=type(error).__name__)
            return one.report(LineResult.FAILED, reason="The database failed: import the file again.")

    async def _connect(self, one: _Wanted) -> LineReport:
        line = one.line
        agreement = await self._orgs.ensure_shared_fleet(one.partner_id, line.fleet_ref, line.fleet_name)
        # Whoever imports the same line elsewhere waits here, and then finds what this one made.
        async with self._database.transaction() as connection:
            await store.lock_fleet(connection, agreement.fleet_id)
            there = await self._existing(agreement.fleet_id, one)
            if there is not None:
                return one.report(LineResult.EXISTS, there)
            made = await self._connections.create(
                fleet_id=agreement.fleet_id,
                tsp_slug=one.manifest.slug,
                credentials=line.credentials,
                settings=line.settings,
                description=line.description,
                account_id=line.account_id,
            )
        return one.report(LineResult.CREATED, made)

    async def _existing(self, fleet_id: UUID, one: _Wanted) -> TspConnection | None:
        return _same(await self._connections.of_fleet(fleet_id), one)


def _same(connections: Sequence[TspConnection], one: _Wanted) -> TspConnection | None:
    return next(
        (
            connection
            for connection in connections
            if (connection.tsp_slug, connection.description) == (one.manifest.slug, one.line.description)
        ),
        None,
    )
