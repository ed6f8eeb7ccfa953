"""What a figure is: a name, an aim, one value for each run, and what it is compared with."""

import operator
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, Final

import msgspec

_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {"<=": operator.le, ">=": operator.ge}


class Aim(msgspec.Struct, frozen=True):
    """What the median should be: `comparison` is <= or >=."""

    comparison: str
    value: float
    of_ratio: bool = False

    def reached(self, value: float) -> bool:
        return _COMPARISONS[self.comparison](value, self.value)


class Figure(msgspec.Struct, kw_only=True):
    """One line of the table.

    Attributes:
        key: names it for good, for comparing results over time.
        title: what is measured.
        unit: of the values; empty for a share or a count.
        values: one for each run.
        floor: what it is compared with, one value for each run of the same session; empty where with nothing.
        floor_name: what that is.
        detail: whatever else is worth keeping.
    """

    key: str
    title: str
    unit: str
    values: Sequence[float]
    aim: Aim | None = None
    floor: Sequence[float] = ()
    floor_name: str = ""
    detail: Mapping[str, Any] = {}

    @property
    def measured(self) -> float:
        return median(self.values)

    @property
    def ratio(self) -> float | None:
        """Median of the ratios, run by run."""
        ratios = [value / floor for value, floor in zip(self.values, self.floor, strict=False) if floor]
        return median(ratios) if ratios else None

    @property
    def is_reached(self) -> bool | None:
        """None where there is no aim."""
        if self.aim is None:
            return None
        value = self.ratio if self.aim.of_ratio else self.measured
        return value is not None and self.aim.reached(value)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much to measure.

    Attributes:
        runs: how often each figure is measured.
        window_s: length of one window of budget use.
        worker_counts: with how many worker processes budget use is measured.
        scale: share of the usual number of requests.
        neighbours: how much waits at a busy neighbour.
        backlog: how much waits for the figures under a backlog.
        pulled: how many vehicles the fleet has that is pulled.
    """

    runs: int
    window_s: float
    worker_counts: tuple[int, ...]
    scale: float
    neighbours: int
    backlog: int
    pulled: int

    def count(self, usual: int) -> int:
        """So many requests instead of the usual number."""
        return max(20, round(usual * self.scale))


FULL: Final = Plan(
    runs=5, window_s=10.0, worker_counts=(1, 3, 10), scale=1.0, neighbours=100_000, backlog=1_000_000, pulled=100_000
)
QUICK: Final = Plan(
    runs=2, window_s=4.0, worker_counts=(1, 3), scale=0.2, neighbours=5_000, backlog=20_000, pulled=5_000
)
