"""`fleetwrite admin ...`: partners, clients, fleets, agreements, connections; for whoever runs the installation."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

import msgspec

from fleetwrite.access.models import NewClient
from fleetwrite.access.scopes import OPERATOR_SCOPES, OPERATORS_ALONE, PARTNER_SCOPES, Scope
from fleetwrite.bootstrap import Services, open_services
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.org_enums import ShareAgreementStatusEnum, ShareLevelEnum
from fleetwrite.contract.orgs import SHAREABLE, PartnerCreate
from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.kit.keyset import Page, Window, decode_cursor
from fleetwrite.kit.telemetry import configure_logging
from fleetwrite.orgs.models import OPERATOR, Levels, Party, ShareAgreement
from fleetwrite.provisioning.connection_import import ImportReport, Progress
from fleetwrite.records.errors import InvalidImportError
from fleetwrite.settings import from_process

T = TypeVar("T")

ALL: Final = "all"
"""Stands for every resource in `--share`."""


class AdminError(FleetwriteError):
    """The command can not be carried out as it was given."""


@asynccontextmanager
async def _opened(config: Path | None) -> AsyncIterator[Services]:
    settings = from_process(config)
    configure_logging("console", "warning")
    async with open_services(settings, name="admin") as services:
        yield services


async def create_partner(config: Path | None, name: str, slug: str | None) -> list[str]:
    """Make a partner with a client."""
    async with _opened(config) as services:
        partner = await services.orgs.create_partner(PartnerCreate(name=name), slug)
        client = await services.clients.create(partner.id)
    return [f"partner {partner.slug}  id {partner.id}", *_secret(client)]


async def list_partners(config: Path | None) -> list[str]:
    """All partners, a line for each."""
    async with _opened(config) as services:
        return [
            f"{partner.slug}  {partner.name}  id {partner.id}" async for partner in _all(services.orgs.page_partners)
        ]


async def show_partner(config: Path | None, slug: str) -> list[str]:
    """A partner with what belongs to it."""
    async with _opened(config) as services:
        partner = await services.orgs.partner_of(slug)
        properties = await services.properties.all_of(partner.id, Party.OPERATOR)
        clients = await services.clients.all_of(partner.id)
        fleets = await services.orgs.count_fleets(partner.id)
    return [
        f"{partner.name}  slug {partner.slug}  id {partner.id}",
        f"fleets: {fleets}",
        *(f"client {client.client_id}  {' '.join(client.scopes)}" for client in clients),
        *(f"property {one.key} = {one.value}" for one in properties),
    ]


async def create_client(
    config: Path | None, slug: str | None, *, operator: bool, client_id: str | None, scopes: Sequence[str] | None
) -> list[str]:
    """Make another client, of a partner or of the operator."""
    if operator == (slug is not None):
        raise AdminError("Name either a partner by --partner, or --operator.")
    unknown = set(scopes or ()) - set(Scope)
    if unknown:
        raise AdminError(f"There are no scopes {', '.join(sorted(unknown))}. There are: {', '.join(sorted(Scope))}.")
    if not operator and OPERATORS_ALONE & set(scopes or ()):
        raise AdminError(f"No partner can have {', '.join(sorted(OPERATORS_ALONE))}.")
    async with _opened(config) as services:
        owner = await (services.orgs.partner_of(slug) if slug is not None else services.orgs.ensure_operator())
        usual = OPERATOR_SCOPES if operator else PARTNER_SCOPES
        try:
            return _secret(await services.clients.create(owner.id, client_id=client_id, scopes=scopes or usual))
        except ValueError as error:
            raise AdminError(str(error)) from error


async def list_fleets(config: Path | None, slug: str | None, fleet_refs: Sequence[str] | None) -> list[str]:
    """Fleets, each with whom it shares."""
    async with _opened(config) as services:
        partner_id = await _partner_id(services, slug)
        lines: list[str] = []
        async for fleet, agreements in _all(
            lambda window: services.orgs.page_fleets(window, partner_id=partner_id, fleet_refs=fleet_refs or None)
        ):
            lines.append(f"{fleet.name}  id {fleet.id}")
            lines += [f"  shared as {one.fleet_ref}  {one.status}  agreement {one.id}" for one in agreements]
        return lines


async def list_agreements(
    config: Path | None, slug: str | None, fleet_ref: str | None, status: ShareAgreementStatusEnum | None
) -> list[str]:
    """Agreements, a line for each."""
    async with _opened(config) as services:
        partner_id = await _partner_id(services, slug)
        return [
            _described(agreement)
            async for agreement in _all(
                lambda window: services.agreements.page(
                    OPERATOR, window, partner_id=partner_id, fleet_ref=fleet_ref, status=status
                )
            )
        ]


async def set_agreement(
    config: Path | None,
    agreement_id: UUID,
    *,
    status: ShareAgreementStatusEnum | None,
    share: Sequence[str] | None,
    effective: datetime | None,
    expires: datetime | None,
) -> list[str]:
    """Change an agreement."""
    async with _opened(config) as services:
        changed = await services.agreements.change(
            OPERATOR,
            agreement_id,
            status=status,
            effective_at=_aware(effective),
            expires_at=_aware(expires),
            scopes=_levels(share) if share else None,
        )
    return [_described(changed)]


async def import_connections(
    config: Path | None, raw: bytes, *, partner: str | None, check: bool, progress: Progress
) -> ImportReport:
    """Connect the fleets of a file.

    Raises:
        AdminError: lines are wrong, each named with the reason; nothing was changed.
    """
    async with _opened(config) as services:
        try:
            return await services.connection_import.import_file(
                raw, partner=partner, apply=not check, progress=progress
            )
        except InvalidImportError as error:
            faults = [f"  line {one.path.removeprefix('body.')}: {one.message}" for one in error.details]
            raise AdminError("\n".join(["Nothing was imported, as these are wrong:", *faults])) from error


def report_lines(report: ImportReport) -> list[str]:
    """What became of a file, in lines to read."""
    lines = [
        f"line {one.line}  {one.partner}  {one.fleet_ref}  {one.tsp}  {one.result}"
        + (f"  connection {one.connection_id}" if one.connection_id else "")
        + (f"  {one.reason}" if one.reason else "")
        for one in report.lines
    ]
    what = "created" if report.applied else "would be created"
    made = report.created if report.applied else len(report.lines) - report.existing
    return [*lines, f"{made} {what}, {report.existing} were there, {report.failed} failed."]


async def _all(page: Callable[[Window], Awaitable[tuple[Page[T], int]]]) -> AsyncIterator[T]:
    cursor: str | None = None
    while True:
        found, _ = await page(Window(cursor=decode_cursor(cursor), size=1000))
        for item in found.items:
            yield item
        cursor = found.next_page
        if cursor is None:
            return


async def _partner_id(services: Services, slug: str | None) -> UUID | None:
    return None if slug is None else (await services.orgs.partner_of(slug)).id


def _levels(share: Sequence[str]) -> Levels:
    """What `vehicle=read_write` and the like say; later ones win, so that `all=read` can come first."""
    levels: dict[ResourceEnum, ShareLevelEnum] = {}
    for text in share:
        name, _, level = text.partition("=")
        try:
            named = SHAREABLE if name == ALL else (msgspec.convert(name, ResourceEnum),)
            levels |= dict.fromkeys(named, msgspec.convert(level, ShareLevelEnum))
        except msgspec.ValidationError as error:
            raise AdminError(f"--share {text}: write a resource, or {ALL}, and =read or =read_write.") from error
    return levels


def _aware(at: datetime | None) -> datetime | None:
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


def _secret(client: NewClient) -> list[str]:
    return [f"client {client.client_id}", f"secret {client.client_secret}", "The secret is shown this once."]


def _described(agreement: ShareAgreement) -> str:
    writable = [name.value for name, level in agreement.scopes.items() if level is ShareLevelEnum.READ_WRITE]
    until = (
        "for ever" if agreement.expires_at is None else f"until {agreement.expires_at.isoformat(timespec='seconds')}"
    )
    return (
        f"{agreement.id}  {agreement.fleet_ref}  {agreement.status}  {until}  partner {agreement.partner_id}"
        f"  fleet {agreement.fleet_id}  reads {len(agreement.scopes)}, writes {', '.join(writable) or 'nothing'}"
    )
