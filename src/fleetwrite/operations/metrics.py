"""What Prometheus is told of operations. Labels are words of ours and of the contract: their number is bounded."""

from typing import Final

from prometheus_client import Counter, Histogram

from fleetwrite.contract.telematics import ResourceOperation
from fleetwrite.operations.models import Settlement, outcome_code

ATTEMPTS: Final = Counter(
    "fleetwrite_attempts",
    "Attempts that ended, by provider, resource and outcome: `success`, or the code that begins `error_details`.",
    ("source_name", "resource", "outcome"),
)
ENDED: Final = Counter(
    "fleetwrite_operations_ended",
    "Operations that came to their end, by provider, resource and status.",
    ("source_name", "resource", "status"),
)
DURATION: Final = Histogram(
    "fleetwrite_operation_duration_seconds",
    "Time from the acceptance of an operation to its end, by provider.",
    ("source_name",),
    # From an idle lane (some 10 ms) to the longest deadline (a week).
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400, 604_800),
)


def observe(settlement: Settlement, operation: ResourceOperation) -> None:
    """Count a settlement that is stored; `operation` is how things stand after it."""
    source_name = settlement.operation.source_name
    for log in settlement.logs:
        ATTEMPTS.labels(source_name, operation.resource, outcome_code(log) or "success").inc()
    if settlement.end is not None:
        ENDED.labels(source_name, operation.resource, operation.status).inc()
        DURATION.labels(source_name).observe((operation.updated_at - operation.created_at).total_seconds())
