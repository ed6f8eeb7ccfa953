"""`fleetwrite restore-fence`: what an operator does after a database was restored from a backup."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from fleetwrite.cli.processes import with_services
from fleetwrite.operations.errors import FenceRefusedError
from fleetwrite.operations.restore import RestoreFence

T = TypeVar("T")


async def raise_fence(config: Path | None, *, again: bool) -> list[str]:
    """Raise the fence; returns what to tell the operator."""
    fence = await _with_fence(config, lambda fences: fences.raise_(again=again))
    when = fence.raised_at.isoformat(timespec="seconds")
    if not fence.is_new:
        return [
            f"This restore was fenced already, at {when}; nothing was changed.",
            "If the database was restored once more since, use --again.",
        ]
    return [
        f"Fenced {fence.fenced} pending operations.",
        "Start the workers: what a provider can be asked about is looked up before anything is sent.",
        "`fleetwrite restore-fence status` shows what waits for your word.",
    ]


async def describe(config: Path | None) -> list[str]:
    """What is behind the fence, in lines to read."""
    fenced = await _with_fence(config, lambda fences: fences.fenced())
    if not (fenced.looking or fenced.withheld):
        return ["Nothing is behind a fence."]
    lines = [f"{fenced.looking} to be looked up by the workers, {len(fenced.withheld)} waiting for your word:"]
    for one in fenced.withheld:
        operation = one.operation
        lines.append(
            f"{operation.id}  {operation.operation_type.value} {operation.resource.value}"
            f"  connection {operation.connection_id}"
            f"  accepted {operation.created_at.isoformat(timespec='seconds')}"
            f"  expires {one.expires_at.isoformat(timespec='seconds')}"
        )
    return lines


async def release(config: Path | None, operation_ids: list[UUID] | None, *, every: bool) -> list[str]:
    """Let operations be sent."""
    chosen = _chosen(operation_ids, every=every)
    count = await _with_fence(config, lambda fences: fences.release(chosen))
    return [f"Released {count}: the workers send them now."]


async def fail(config: Path | None, operation_ids: list[UUID] | None, *, every: bool) -> list[str]:
    """End operations."""
    chosen = _chosen(operation_ids, every=every)
    count = await _with_fence(config, lambda fences: fences.fail(chosen))
    return [f"Ended {count} as failed, outcome_unknown."]


async def _with_fence(config: Path | None, work: Callable[[RestoreFence], Awaitable[T]]) -> T:
    return await with_services(config, "restore-fence", lambda services: work(services.restore_fence))


def _chosen(operation_ids: list[UUID] | None, *, every: bool) -> list[UUID] | None:
    """The operations meant; None for all."""
    if every == bool(operation_ids):
        raise FenceRefusedError("Name operations with --operation, or all of them with --all.")
    return None if every else operation_ids
