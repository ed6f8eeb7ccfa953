"""Endpoints for whoever runs this process: is it alive, is it ready, what does it measure."""

import asyncio
from typing import Final

import structlog
from msgspec import Struct

from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.metrics import get_metrics
from fleetwrite.bootstrap import Services
from fleetwrite.kit.database import DATABASE_FAILURES
from fleetwrite.kit.migrations import pending

_log = structlog.get_logger(__name__)

READY_WITHIN_S: Final = 5.0
"""A database that needs longer to say hello serves nobody; orchestrators ask about every ten seconds."""


class Health(Struct, frozen=True, kw_only=True):
    """`status` is `ok` or `unavailable`; `reason` says what is missing."""

    status: str = "ok"
    reason: str | None = None


async def check_process(_services: Services, _request: ApiRequest) -> Answer:
    """That an answer comes at all is the answer."""
    return Answer(content=Health())


async def check_readiness(services: Services, _request: ApiRequest) -> Answer:
    """Whether the database can be reached and has the schema of this version."""
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            missing = await pending(services.database_url)
    except DATABASE_FAILURES as error:
        # Its text may name hosts and users, which is nobody's business here.
        _log.warning("database cannot be reached", error=type(error).__name__)
        return _unavailable("The database cannot be reached.")
    if missing:
        return _unavailable(f"The database lacks migrations; run `fleetwrite migrate`. First one: {missing[0]}.")
    return Answer(content=Health())


def _unavailable(reason: str) -> Answer:
    return Answer(status=503, content=Health(status="unavailable", reason=reason))


HEALTH: Final = (
    Endpoint(
        method="GET",
        path="/healthz",
        operation_id="get_health",
        summary="Is the process alive",
        tag=Tag.INSIGHT,
        handler=check_process,
        answers={200: AnswerShape(description="It is.", content=Health)},
    ),
    Endpoint(
        method="GET",
        path="/readyz",
        operation_id="get_readiness",
        summary="Can the process serve",
        description="It can when the database is within reach and has the schema of this version.",
        tag=Tag.INSIGHT,
        handler=check_readiness,
        answers={
            200: AnswerShape(description="It can.", content=Health),
            503: AnswerShape(description="Not yet, or not any more.", content=Health),
        },
    ),
    Endpoint(
        method="GET",
        path="/metrics",
        operation_id="get_metrics",
        summary="Metrics of the process for Prometheus",
        tag=Tag.INSIGHT,
        handler=get_metrics,
        serves_strangers=True,
        answers={200: AnswerShape(description="Metrics.", content=str, media_type="text/plain")},
    ),
)
