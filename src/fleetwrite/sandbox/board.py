"""What the demo shows: alive on a terminal, line by line elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Final, Self

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from fleetwrite.sandbox.comparison import Difference, Outcome
from fleetwrite.sandbox.tour import SUCCESS, Stop

_WIDTH_ELSEWHERE: Final = 170
"""Of a log or a pipe, in characters: no id is broken into two lines there."""


class Report(msgspec.Struct, frozen=True):
    """How the demo ended: the writes that were compared, and one of each kind at every provider."""

    outcomes: Sequence[Outcome]
    differences: Sequence[Difference]
    stops: Sequence[Stop] = ()

    @property
    def is_right(self) -> bool:
        """Whether everything is as it has to be."""
        return not self.differences and all(stop.status == SUCCESS for stop in self.stops)


def open_console() -> Console:
    """Standard output, as wide as the table where it is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH_ELSEWHERE)


class Board:
    """Shows what is being done and how far each write has come."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._phase = "Starting"
        self._states: dict[str, str] = {}
        # Of characters that every terminal has.
        self._spinner = Spinner("line")
        self._live = Live(get_renderable=self._render, console=console, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def phase(self, text: str) -> None:
        """Say what is being done now."""
        self._phase = text
        if not self._console.is_terminal:
            self._console.print(Text(text))

    def advance(self, write_name: str, state: str) -> None:
        """Say how far a write has come."""
        self._states[write_name] = state
        if not self._console.is_terminal:
            self._console.print(Text(f"  {write_name}: {state}"))

    def _render(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for name, state in self._states.items():
            table.add_row(Text(name, style="bold"), Text(state))
        self._spinner.update(text=Text(self._phase))
        return Group(table, self._spinner)


def print_report(console: Console, report: Report) -> None:
    """The table of all writes, what the provider does not keep, and every difference."""
    headings = ("operation", "our id", "source id", "attempts", "ms to success", "ms to webhook")
    # Hardly a line, so that the ids have room.
    table = Table(*headings, box=SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[1:3]:
        column.overflow = "fold"
    for column in table.columns[3:]:
        column.justify = "right"
    for outcome in report.outcomes:
        table.add_row(outcome.write.name, *_cells(outcome))
    console.print(table)
    for field in sorted({field for outcome in report.outcomes for field in outcome.losses}):
        names = ", ".join(outcome.write.name for outcome in report.outcomes if field in outcome.losses)
        console.print(Text(f"Samsara does not keep {field}, and the API said so: {names}.", style="dim"))
    for difference in report.differences:
        console.print(Text(str(difference), style="bold red"))
    console.print(_verdict(report))
    if report.stops:
        _print_tour(console, report.stops)


def _print_tour(console: Console, stops: Sequence[Stop]) -> None:
    """Every kind of write at every provider, with the calls that it took there."""
    tsps = sorted({stop.tsp for stop in stops})
    table = Table("calls that reached the provider", *tsps, box=SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    calls = {(stop.write, stop.tsp): str(stop.calls) if stop.status == SUCCESS else stop.status for stop in stops}
    for write in dict.fromkeys(stop.write for stop in stops):
        table.add_row(write, *(calls.get((write, tsp), "-") for tsp in tsps))
    console.print(table)
    missed = [stop for stop in stops if stop.status != SUCCESS]
    for stop in missed:
        console.print(Text(f"{stop.write} at {stop.tsp}: {stop.status}. {stop.details}", style="bold red"))
    if not missed:
        console.print(Text(f"{len(stops)} writes at {len(tsps)} providers, all of them successful.", style="green"))


def _verdict(report: Report) -> Text:
    writes, count = len(report.outcomes), len(report.differences)
    if count:
        return Text(f"{writes} writes, {count} difference{'s' if count > 1 else ''}.", style="bold red")
    return Text(
        f"{writes} writes, one provider call each. The provider holds every field as it was sent, and every webhook "
        "came with a valid signature. No difference.",
        style="green",
    )


def _cells(outcome: Outcome) -> tuple[str, ...]:
    operation = outcome.operation
    if operation is None:
        return (f"refused: {outcome.status}", "", "", "", "")
    success_ms = webhook_ms = "-"
    if operation["status"] == "success":
        success_ms = _milliseconds(_time(operation["created_at"]), _time(operation["updated_at"]))
    if outcome.ended is not None:
        webhook_ms = _milliseconds(_time(operation["updated_at"]), outcome.ended.received_at)
    ids = (operation["resource_id"] or "-", operation["source_id"] or "-")
    return (*ids, str(len(operation["logs"])), success_ms, webhook_ms)


def _milliseconds(since: datetime, until: datetime) -> str:
    return f"{(until - since).total_seconds() * 1000:.0f}"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
