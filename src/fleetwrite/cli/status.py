"""`fleetwrite status`: what an operator looks at first."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fleetwrite.bootstrap import require_database_url
from fleetwrite.connections import outage_store, store
from fleetwrite.connections.models import Connection
from fleetwrite.dispatch.overview import MOST_COUNTED, MOST_COUNTED_OF_LANE, DispatchOverview, overview
from fleetwrite.kit.database import Database
from fleetwrite.kit.telemetry import configure_logging
from fleetwrite.records import schedule_store
from fleetwrite.records.schedule_models import Schedule
from fleetwrite.settings import from_process


class QuietConnection(msgspec.Struct, frozen=True, kw_only=True):
    """A connection that does not accept or send as usual."""

    id: str
    tsp_slug: str
    status: str
    is_draining: bool
    description: str | None


class OpenBreaker(msgspec.Struct, frozen=True, kw_only=True):
    """A host that is not called for now, why, since when, and when it is probed next."""

    host: str
    tsp_slug: str
    cause: str
    opened_at: datetime
    probe_at: datetime


class FailingSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule that is inactive, or whose last executions failed."""

    id: str
    connection_id: str
    resource: str
    status: str
    errors: int


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at a glance.

    Attributes:
        dispatch: lanes, backlog, budgets and leases.
        connections: how many there are in each status.
        quiet_connections: those that do not accept or send as usual.
        paused_tsps: providers to which the operator sends nothing.
        breakers: hosts that fail, and are only probed for now.
        schedules: how many there are in each status.
        failing_schedules: those whose last executions failed.
    """

    dispatch: DispatchOverview
    connections: dict[str, int]
    quiet_connections: list[QuietConnection]
    paused_tsps: list[str]
    breakers: list[OpenBreaker]
    schedules: dict[str, int]
    failing_schedules: list[FailingSchedule]


async def show_status(config: Path | None, *, as_json: bool, most: int) -> None:
    """Print the state of an installation. Raises SettingsError where there is no DATABASE_URL."""
    settings = from_process(config)
    configure_logging("console", "warning")
    database = await Database.connect(require_database_url(settings), max_size=1, application_name="fleetwrite status")
    try:
        status = await read_status(database, most)
    finally:
        await database.close()
    console = Console()
    if as_json:
        console.out(msgspec.json.encode(status).decode(), highlight=False)
    else:
        shown: list[Table | str] = [*tables(status)]
        console.print(*(shown or ["Nothing is set up yet."]), sep="\n")


async def read_status(database: Database, most: int) -> Status:
    """The state, from one snapshot of the database."""
    async with database.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        return Status(
            dispatch=await overview(connection, most),
            connections=await store.count_by_status(connection),
            quiet_connections=[_quiet(one) for one in await store.not_flowing(connection, most)],
            paused_tsps=await store.paused_tsps(connection),
            breakers=[OpenBreaker(**row) for row in await outage_store.select_open_breakers(connection, most)],
            schedules=await schedule_store.count_by_status(connection),
            failing_schedules=[_failing(one) for one in await schedule_store.select_failing(connection, most)],
        )


def tables(status: Status) -> list[Table]:
    """The state as tables for a terminal; those that would be empty are left out."""
    shown: list[Table] = [
        _table(
            "Work",
            ("kind", "waiting or under way", "lanes", "held", "in flight", "leases lost", "oldest due for"),
            [
                (
                    kind.kind,
                    _bounded(kind.jobs, MOST_COUNTED),
                    kind.lanes,
                    kind.held_lanes,
                    kind.in_flight,
                    kind.lost_leases,
                    _for(kind.oldest_s),
                )
                for kind in status.dispatch.kinds
            ],
        ),
        _table(
            "Lanes that wait longest",
            ("owner", "kind", "budgets", "waiting", "held", "oldest due for"),
            [
                (
                    lane.owner_id,
                    lane.kind,
                    ", ".join(lane.scopes) or "-",
                    _bounded(lane.jobs, MOST_COUNTED_OF_LANE),
                    "held" if lane.held else "",
                    _for(lane.oldest_s),
                )
                for lane in status.dispatch.lanes
            ],
        ),
        _table(
            "Budgets closed or lowered",
            ("owner", "budget", "limit", "closed for", "granted"),
            [
                (
                    budget.owner_id,
                    budget.scope,
                    "-" if budget.requests is None else f"{budget.requests} in {budget.per_seconds:g} s",
                    _for(budget.closed_s) if budget.closed_s else "-",
                    f"{budget.granted:.0%}",
                )
                for budget in status.dispatch.budgets
            ],
        ),
        _table(
            "Calls that a connection's login has no right to",
            ("connection", "calls", "since", "next trial"),
            [(bar.owner_id, bar.scope, _at(bar.since), _at(bar.until)) for bar in status.dispatch.bars],
        ),
        _table("Connections", ("status", "connections"), status.connections.items()),
        _table(
            "Connections that are not active, or drained",
            ("connection", "tsp", "status", "drained", "description"),
            [
                (c.id, c.tsp_slug, c.status, "drained" if c.is_draining else "", c.description or "")
                for c in status.quiet_connections
            ],
        ),
        _table(
            "Hosts that fail, and are only probed",
            ("host", "tsp", "cause", "since", "next probe"),
            [
                (breaker.host, breaker.tsp_slug, breaker.cause, _at(breaker.opened_at), _at(breaker.probe_at))
                for breaker in status.breakers
            ],
        ),
        _table("Schedules", ("status", "schedules"), status.schedules.items()),
        _table(
            "Schedules whose last executions failed",
            ("schedule", "connection", "resource", "status", "failed"),
            [(one.id, one.connection_id, one.resource, one.status, one.errors) for one in status.failing_schedules],
        ),
        _table("Paused by the operator", ("tsp",), [(slug,) for slug in status.paused_tsps]),
    ]
    return [table for table in shown if table.row_count]


def _quiet(connection: Connection) -> QuietConnection:
    return QuietConnection(
        id=str(connection.id),
        tsp_slug=connection.tsp_slug,
        status=connection.status,
        is_draining=connection.is_draining,
        description=connection.description,
    )


def _failing(schedule: Schedule) -> FailingSchedule:
    return FailingSchedule(
        id=str(schedule.id),
        connection_id=str(schedule.connection_id),
        resource=schedule.resource,
        status=schedule.status,
        errors=schedule.consecutive_error_count,
    )


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # As plain text: what people write may look like markup.
        table.add_row(*(Text(str(cell)) for cell in row))
    return table


def _bounded(count: int, bound: int) -> str:
    return f"{count} or more" if count >= bound else str(count)


def _at(instant: datetime) -> str:
    return instant.isoformat(" ", "seconds")


def _for(seconds: float | None) -> str:
    return "-" if seconds is None else str(timedelta(seconds=round(seconds)))
