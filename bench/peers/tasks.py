"""The task that sends a write and then tells the receiver; run as a worker: `python -m bench.peers.tasks`."""

import argparse
import asyncio
import os
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job

POOL_SIZE: Final = 16
CONCURRENCY: Final = 128
"""Both as in Fleetwrite's own settings."""

MARGIN: Final = 1.015
"""Even spacing a little below the limit, as Fleetwrite has it."""


class ThrottledError(Exception):
    """The provider wants no call for so many seconds."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"throttled for {retry_after_s} s")
        self.retry_after_s = retry_after_s


class ObeyRetryAfter(BaseRetryStrategy):
    """Comes back when the provider said; after a second where it said nothing."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When to try again."""
        del job
        wait_s = exception.retry_after_s if isinstance(exception, ThrottledError) else 1.0
        return RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=wait_s))


class Pace:
    """Lets calls start evenly spaced; knows only of this process."""

    def __init__(self, per_second: float) -> None:
        self._interval_s = MARGIN / per_second if per_second else 0.0
        self._next_at = 0.0

    async def wait(self) -> None:
        """Until the next call may start."""
        now = asyncio.get_running_loop().time()
        at = max(now, self._next_at)
        self._next_at = at + self._interval_s
        if at > now:
            await asyncio.sleep(at - now)


class Sender:
    """What the task needs; there is one for each process, made when the worker starts."""

    http: httpx.AsyncClient
    pace: Pace


def open_app() -> App:
    """The Procrastinate application, on the database of DATABASE_URL."""
    connector = PsycopgConnector(conninfo=os.environ["DATABASE_URL"], min_size=1, max_size=POOL_SIZE)
    return App(connector=connector)


app = open_app()


async def send_trailer(context: JobContext, provider: str, token: str, name: str, receiver: str | None) -> None:
    """Create the trailer at the provider, then tell the receiver."""
    await Sender.pace.wait()
    answer = await Sender.http.post(
        f"{provider}/fleet/trailers", json={"name": name}, headers={"Authorization": f"Bearer {token}"}
    )
    if answer.status_code == 429:
        raise ThrottledError(float(answer.headers.get("Retry-After", "1")))
    answer.raise_for_status()
    if receiver is not None:
        told: dict[str, Any] = {"data": [{"id": str(context.job.id), "source_id": answer.json()["data"]["id"]}]}
        (await Sender.http.post(receiver, json=told)).raise_for_status()


deliver = app.task(name="send_trailer", pass_context=True, retry=ObeyRetryAfter())(send_trailer)


async def work(per_second: float) -> None:
    """Work until told to stop."""
    Sender.pace = Pace(per_second)
    limits = httpx.Limits(max_connections=256, max_keepalive_connections=256)
    async with httpx.AsyncClient(timeout=30, limits=limits) as Sender.http, app.open_async():
        print("ready", flush=True)
        await app.run_worker_async(concurrency=CONCURRENCY, shutdown_graceful_timeout=10)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--per-second", type=float, default=0.0, help="calls a second; 0: as fast as can be")
    asyncio.run(work(parser.parse_args().per_second))


if __name__ == "__main__":
    main()
