"""What `fleetwrite admin fleet export`, `erase` and `erase-again` do."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO
from uuid import UUID

import typer

from fleetwrite.audit.models import Actor, Deed
from fleetwrite.cli.processes import quiet_services
from fleetwrite.fleet_data.errors import UnknownFleetIdError
from fleetwrite.fleet_data.models import Erasure
from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.kit.ids import new_id


class ExportError(FleetwriteError):
    """There is a file already."""


class AuditFileError(FleetwriteError):
    """A file is not what `fleetwrite audit export` prints."""


async def export(config: Path | None, fleet_id: UUID, out: Path, *, force: bool) -> list[str]:
    """Write all that is kept of a fleet to a file, which is there when it is whole."""
    with _whole(out, force=force) as file:
        async with quiet_services(config, "admin") as services:
            counts = await services.fleet_export.write(fleet_id, file, actor=Actor.operator(), progress=_tell_rows)
    return [*_table(counts), f"Written to {out}, for nobody's eyes but yours."]


async def erase(config: Path | None, fleet_id: UUID, *, agreed: Callable[[str], bool]) -> list[str]:
    """Erase a fleet, once somebody has seen what will go and agreed to it."""
    async with quiet_services(config, "admin") as services:
        try:
            counts = await services.fleet_erasure.count(fleet_id)
        except UnknownFleetIdError:
            counts = {}  # unless it was erased before, which `begin` knows
        if counts:
            typer.echo("\n".join([f"So many rows will go with the fleet {fleet_id}:", *_table(counts)]))
            question = f"Disconnect {fleet_id} and erase it? There is no way back."
            if not agreed(question):
                return ["Nothing was changed."]
        operator = Actor.operator()
        await services.fleet_erasure.begin(fleet_id, actor=operator)
        return _described(await services.fleet_erasure.finish(fleet_id, _tell_waiting, actor=operator))


async def erase_again(config: Path | None, file: Path) -> list[str]:
    """Erase the fleets that a restored backup brought back, by what the audit log said of erasures."""
    fleet_ids = _erased(file)
    lines: list[str] = []
    async with quiet_services(config, "admin") as services:
        for fleet_id in fleet_ids:
            try:
                await services.fleet_erasure.begin(fleet_id, actor=Actor.operator())
            except UnknownFleetIdError:
                lines.append(f"{fleet_id}  is not here")
                continue
            await services.fleet_erasure.finish(fleet_id, _tell_waiting, actor=Actor.operator())
            lines.append(f"{fleet_id}  erased")
    return [*lines, f"{len(fleet_ids)} erasures were looked at."]


@contextlib.contextmanager
def _whole(out: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """A file that has its name when it was written to its end, and is for nobody but its owner."""
    if out.exists() and not force:
        raise ExportError(f"{out} exists: choose another name, or overwrite it with --force.")
    beside = out.with_name(f".{out.name}.{new_id()}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)


def _erased(file: Path) -> list[UUID]:
    found: dict[UUID, None] = {}
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        try:
            entry = json.loads(line)
            if entry["deed"] == Deed.FLEET_ERASURE_BEGUN:
                found[UUID(entry["object_id"])] = None
        except (ValueError, KeyError, TypeError) as error:
            raise AuditFileError(
                f"{file}, line {number} is no entry: the file has to be what `fleetwrite audit export --deed fleet`"
                " prints. Nothing was erased."
            ) from error
    return list(found)


def _described(erasure: Erasure) -> list[str]:
    lines = [f"Erased at {erasure.erased_at:%Y-%m-%d %H:%M:%S} UTC. Removed, by table:", *_table(erasure.removed)]
    if erasure.completed_at is not None:
        return [*lines, f"Nothing is left since {erasure.completed_at:%Y-%m-%d %H:%M:%S} UTC."]
    return [
        *lines,
        f"{erasure.untold} events are still to be told to partners, or stay a day for those that follow the stream.",
        "When all are, the workers remove them, and what is left of the fleet: its ids.",
    ]


def _table(counts: Mapping[str, int]) -> list[str]:
    return [f"  {table:<18} {rows:>10}" for table, rows in counts.items() if rows]


def _tell_rows(table: str, rows: int) -> None:
    print(f"{table}: {rows} so far", file=sys.stderr)  # noqa: T201 - whoever waits reads it, here and below


def _tell_waiting(erasure: Erasure) -> None:
    if erasure.under_way:
        print(f"waiting for the end of {erasure.under_way} writes and pulls", file=sys.stderr)  # noqa: T201 - see above
