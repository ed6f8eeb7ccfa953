"""`fleetwrite audit`: read the audit log, and find out whether it is as it was written."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from fleetwrite.cli.running import ConfigOption, run

if TYPE_CHECKING:
    from fleetwrite.kit.database import Database

audit_app = typer.Typer(help="Who did what: read the audit log, and verify it.", no_args_is_help=True)

_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@audit_app.command("verify")
def verify(
    *,
    config: ConfigOption = None,
    head: Annotated[
        str | None, typer.Option(help="What an earlier run printed: proves that nothing was cut off since.")
    ] = None,
) -> None:
    """Make sure that no entry was changed, put in or taken out. Prints the newest entry; note it elsewhere."""
    from fleetwrite.audit import trail  # noqa: PLC0415 - the other commands start faster without it

    async def check() -> str:
        noted = None if head is None else trail.parse_head(head)
        async with _database(config) as database:
            newest = await trail.verify(database, noted)
        return "The log is empty." if newest is None else f"{newest.id} entries, all as they were written: {newest}"

    typer.echo(run(check()))


@audit_app.command("export")
def export(
    *,
    config: ConfigOption = None,
    since: Annotated[datetime | None, typer.Option(formats=_TIMES, help="Not before, in UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_TIMES, help="Before, in UTC.")] = None,
    deed: Annotated[str | None, typer.Option(help="Such as client.created; or client, for all of those.")] = None,
    actor: Annotated[str | None, typer.Option(help="A client's id, or an operator's login.")] = None,
    object_id: Annotated[str | None, typer.Option("--object", help="The id of what it was done to.")] = None,
    partner: Annotated[UUID | None, typer.Option(help="The id of the partner whose client did it.")] = None,
) -> None:
    """Print entries as lines of JSON, oldest first."""
    from fleetwrite.audit import trail  # noqa: PLC0415 - see verify
    from fleetwrite.audit.models import Wanted  # noqa: PLC0415 - see verify

    wanted = Wanted(
        since=None if since is None else since.replace(tzinfo=UTC),
        until=None if until is None else until.replace(tzinfo=UTC),
        deed=deed,
        actor=actor,
        object_id=object_id,
        partner_id=partner,
    )

    async def print_all() -> None:
        async with _database(config) as database:
            async for entry in trail.entries(database, wanted):
                typer.echo(entry.to_line().decode())

    run(print_all())


@asynccontextmanager
async def _database(config: Path | None) -> "AsyncIterator[Database]":
    from fleetwrite.bootstrap import require_database_url  # noqa: PLC0415 - see verify
    from fleetwrite.kit.database import Database  # noqa: PLC0415 - see verify
    from fleetwrite.settings import from_process  # noqa: PLC0415 - see verify

    url = require_database_url(from_process(config))
    database = await Database.connect(url, max_size=1, application_name="fleetwrite audit")
    try:
        yield database
    finally:
        await database.close()
