"""What Prometheus is told of the API. No label tells partners apart: their number is not ours to bound."""

import math
from typing import Final

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

from fleetwrite.api.endpoint import Answer, ApiRequest, Endpoint
from fleetwrite.bootstrap import Services
from fleetwrite.kit.database import DATABASE_FAILURES
from fleetwrite.operations import models as operations
from fleetwrite.webhooks import models as deliveries

_log = structlog.get_logger(__name__)

REQUESTS: Final = Counter(
    "fleetwrite_http_requests", "Requests answered, by operation and status.", ("operation_id", "status")
)
DURATION: Final = Histogram(
    "fleetwrite_http_request_duration_seconds",
    "Time from a request's head to its answer's end, by operation.",
    ("operation_id",),
    # From an accept inside a shared commit (about 1 ms) to the deadline of a sync write (30 s).
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)

NO_OPERATION: Final = "none"
"""The operation id of requests for which there is no endpoint."""


def observe(endpoint: Endpoint | None, status: int, seconds: float) -> None:
    """Count one answered request."""
    operation_id = NO_OPERATION if endpoint is None else endpoint.operation_id
    REQUESTS.labels(operation_id, str(status)).inc()
    DURATION.labels(operation_id).observe(seconds)


LAG: Final = Gauge(
    "fleetwrite_dispatch_lag_seconds",
    "For how long the longest waiting lane has been due, by kind of work; the same in every process.",
    ("kind",),
)


OPEN_BREAKERS: Final = Gauge(
    "fleetwrite_open_breakers",
    "Hosts that are not called for now as they fail, by provider; the same in every process.",
    ("source_name",),
)
PARKED: Final = Gauge(
    "fleetwrite_parked_connections",
    "Connections that hold their writes as their login is refused, by provider; the same in every process.",
    ("source_name",),
)
STALE_WEBHOOKS: Final = Gauge(
    "fleetwrite_stale_webhooks",
    "Webhooks that are not delivered to as their receivers fail; the same in every process.",
)


async def get_metrics(services: Services, _request: ApiRequest) -> Answer:
    """All metrics of this process in the Prometheus text format."""
    try:
        lag_s = await services.dispatch.lag_s()
        open_breakers, parked = await services.outages.open_breakers(), await services.outages.parked()
        stale = await services.webhook_health.count_stale()
    except DATABASE_FAILURES as error:
        # What this process counted itself is of most use when the database is away.
        _log.warning("lag is not known", error=type(error).__name__)
        for gauge in (LAG, OPEN_BREAKERS, PARKED):
            gauge.clear()
        STALE_WEBHOOKS.set(math.nan)
    else:
        STALE_WEBHOOKS.set(stale)
        for kind in (operations.KIND, deliveries.KIND):
            LAG.labels(kind).set(lag_s.get(kind, 0.0))
        for connector in services.registry:
            manifest = connector.manifest
            OPEN_BREAKERS.labels(manifest.source_name).set(open_breakers.get(manifest.slug, 0))
            PARKED.labels(manifest.source_name).set(parked.get(manifest.slug, 0))
    return Answer(content=generate_latest(), media_type=CONTENT_TYPE_LATEST)
