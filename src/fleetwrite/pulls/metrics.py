"""What Prometheus is told of pulls."""

from typing import Final

from prometheus_client import Counter

EXECUTIONS: Final = Counter(
    "fleetwrite_executions_ended",
    "Executions of schedules that came to their end, by resource and status.",
    ("resource", "status"),
)
PAGES: Final = Counter("fleetwrite_pages_pulled", "Pages of lists that were stored, by resource.", ("resource",))
