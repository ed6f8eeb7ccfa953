"""What happens during chaos: the writes that flow, the receiver that is told of them, and what is done to them all."""

import asyncio
import itertools
import os
import random
import re
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any, Final, Self

import aiohttp
import asyncpg
from aiohttp import web

from acceptance.stack import UNLIMITED, Process, Stack
from fleetwrite.sandbox.receiver import verify

Json = dict[str, Any]

MARK: Final = re.compile(r"chaos-\d+")
"""Each write carries one of its own to the provider, so that the provider's log tells what was sent how often."""

LONGEST_DELAY_S: Final = 0.4
"""Of a slow call at the provider; below the provider time-out, so that slow is not lost."""

IN_FLIGHT: Final = 150
"""So many writes are on their way at a time: enough for the workers, few enough to flow until the last kill."""


class ToldBy(Enum):
    """What a write is known by at the provider."""

    MARK = auto()  # an id of ours, or the record itself: it has to succeed, once
    CONTENT = auto()  # what it says: it is there once at most, and may end as unknown
    NOTHING = auto()  # it must never be sent a second time


@dataclass(frozen=True)
class Write:
    """One write of a partner.

    Attributes:
        mark: what is found again in the provider's log.
        told_by: what a look at the provider tells it by after a lost answer.
    """

    method: str
    path: str
    fields: Json
    mark: str
    told_by: ToldBy


@dataclass(frozen=True)
class Stream:
    """Writes that are submitted one after the other.

    Attributes:
        is_ordered: they have to reach the provider in that order.
    """

    writes: list[Write]
    is_ordered: bool


class Author:
    """Makes up writes."""

    def __init__(
        self, drivers: Sequence[str], office_user: str, vehicles: Sequence[str], trailers: Sequence[str]
    ) -> None:
        self._numbers = itertools.count(1)
        self._drivers = drivers
        self._office_user = office_user
        self._vehicles = vehicles
        self._trailers = trailers

    @classmethod
    async def of(cls, stack: Stack) -> Self:
        """One who knows the records of the stack's connection."""
        users = await stack.records("users")
        return cls(
            drivers=[user["id"] for user in users if user["is_driver"]],
            office_user=next(user["id"] for user in users if not user["is_driver"]),
            vehicles=[record["id"] for record in await stack.records("vehicles")],
            trailers=[record["id"] for record in await stack.records("trailers")],
        )

    def streams(self, count: int) -> list[Stream]:
        """About `count` writes: half of them to records and recipients with an order, half creates of all kinds."""
        paths = [
            *(f"/v2/telematics/trailers/{one}" for one in self._trailers[:3]),
            *(f"/v2/telematics/vehicles/{one}" for one in self._vehicles[:3]),
            *(f"/v2/telematics/users/{one}" for one in self._drivers[:2]),
        ]
        ordered: list[Callable[[], Write]] = [
            *(lambda path=path: self._update(path) for path in paths),
            *(lambda driver=driver: self._message(driver) for driver in self._drivers[:4]),
        ]
        unordered = [self._trailer, self._vehicle, self._driver, self._office_user_, self._fuel, self._dvir] * 2
        each = count // (len(ordered) + len(unordered))
        return [
            *(Stream([make() for _ in range(each)], is_ordered=True) for make in ordered),
            *(Stream([make() for _ in range(each)], is_ordered=False) for make in unordered),
        ]

    def _mark(self) -> str:
        return f"chaos-{next(self._numbers)}"

    def _update(self, path: str) -> Write:
        mark = self._mark()
        return Write("PATCH", path, {"notes": mark}, mark, told_by=ToldBy.MARK)

    def _message(self, driver: str) -> Write:
        mark = self._mark()
        fields = {"sender_id": self._office_user, "recipient_id": driver, "message_text": mark}
        return Write("POST", "/v2/telematics/messages", fields, mark, told_by=ToldBy.CONTENT)

    def _trailer(self) -> Write:
        mark = self._mark()
        return Write("POST", "/v2/telematics/trailers", {"trailer_name": mark}, mark, told_by=ToldBy.MARK)

    def _vehicle(self) -> Write:
        mark = self._mark()
        fields = {"vehicle_name": mark, "model_year": 2021}
        return Write("POST", "/v2/telematics/vehicles", fields, mark, told_by=ToldBy.MARK)

    def _driver(self) -> Write:
        mark = self._mark()
        fields = {"is_driver": True, "username": mark, "first_name": "Jane", "last_name": "Doe"}
        return Write("POST", "/v2/telematics/users", fields, mark, told_by=ToldBy.MARK)

    def _office_user_(self) -> Write:
        mark = self._mark()
        fields = {"is_driver": False, "user_email": f"{mark}@acme.example", "first_name": "Joe", "last_name": "Bloggs"}
        return Write("POST", "/v2/telematics/users", fields, mark, told_by=ToldBy.CONTENT)

    def _fuel(self) -> Write:
        mark = self._mark()
        fields = {
            "driver_id": self._drivers[0],
            "vehicle_id": self._vehicles[0],
            "fuel_volume": 101.5,
            "fuel_volume_unit": "LITER",
            "fuel_vendor": mark,
            "transaction_time": "2026-05-04T10:00:00Z",
            "location_string": "Dallas, TX",
            "total_cost": 412.6,
            "currency": "USD",
        }
        return Write("POST", "/v2/telematics/fuel-transactions", fields, mark, told_by=ToldBy.NOTHING)

    def _dvir(self) -> Write:
        mark = self._mark()
        fields = {
            "driver_id": self._office_user,
            "vehicle_id": self._vehicles[0],
            "log_type": "mechanic",
            "driver_comment": mark,
        }
        return Write("POST", "/v2/telematics/dvir-logs", fields, mark, told_by=ToldBy.CONTENT)


@dataclass
class Receiver:
    """A partner's receiver that checks signatures and now and then answers 500.

    Attributes:
        failing: the share of deliveries that it takes and does not acknowledge.
        secrets: subscription id -> secret.
        events: event id -> its name and the operation's id.
        contradictions: ids that came back with another content.
        ended: ids of the operations whose end it was told.
    """

    chance: random.Random
    failing: float = 0.03
    secrets: dict[str, str] = field(default_factory=dict)
    events: dict[str, tuple[str, str]] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)

    async def take(self, request: web.Request) -> web.Response:
        envelope = verify(request.headers, await request.read(), self.secrets, datetime.now(UTC))
        (data,) = envelope["data"]
        event = (envelope["event_name"], data["id"])
        if self.events.setdefault(envelope["id"], event) != event:
            self.contradictions.append(envelope["id"])
        if not event[0].endswith(".created"):
            self.ended.add(event[1])
        return web.Response(status=500 if self.chance.random() < self.failing else 204)


@asynccontextmanager
async def subscribed(stack: Stack, chance: random.Random) -> AsyncIterator[Receiver]:
    """A receiver in this process, subscribed to all events of operations."""
    receiver = Receiver(chance)
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app, auto_decompress=False, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        wish = {"url": f"http://127.0.0.1:{runner.addresses[0][1]}/hook", "event_name": "resource_operation.*"}
        status, webhooks = await stack.call("POST", "/v2/notifications/webhooks", wish)
        assert status in (200, 201), webhooks
        receiver.secrets |= {webhook["id"]: webhook["secret"] for webhook in webhooks}
        yield receiver
    finally:
        await runner.cleanup()


async def submit(stack: Stack, streams: Iterable[Stream], receiver: Receiver) -> dict[str, Write]:
    """Have every write accepted, again under its key after a lost answer; returns them by their operation's id."""
    accepted: dict[str, Write] = {}

    async def one(write: Write) -> None:
        while True:
            try:
                status, answer = await stack.call(
                    write.method, write.path, {"connection_id": stack.connection_id, **write.fields}, key=write.mark
                )
            except aiohttp.ClientError:
                status, answer = 0, None
            if status == 202:
                accepted[answer["id"]] = write
                return
            assert status in (0, 409, 500, 503), (status, answer)
            await asyncio.sleep(0.1)

    async def all_of(stream: Stream) -> None:
        for write in stream.writes:
            while len(accepted) - len(receiver.ended) > IN_FLIGHT:
                await asyncio.sleep(0.02)
            await one(write)

    async with asyncio.TaskGroup() as tasks:
        for stream in streams:
            tasks.create_task(all_of(stream))
    return accepted


class Monkey:
    """Breaks things at random, and brings them back.

    Args:
        stack: what it plays with.
        chance: decides everything it does.
        lease_s: for how long claims hold.
    """

    def __init__(self, stack: Stack, chance: random.Random, lease_s: float) -> None:
        self._stack = stack
        self._chance = chance
        self._lease_s = lease_s
        self.done: list[str] = []

    async def plague(self, times: int, progress: Callable[[], float]) -> None:
        """Do so many things while `progress` goes from 0 to 1: each kind of them at least once, if there are enough."""
        kinds = [
            self._kill_a_worker,
            self._stop_a_worker,
            self._kill_the_api,
            self._end_backends,
            self._kill_postgres,
            self._cut_the_power,
            self._limit_the_provider,
        ]
        plan = [kinds[number % len(kinds)] for number in range(times)]
        self._chance.shuffle(plan)
        for number, act in enumerate(plan, 1):
            await self._until(lambda wanted=number / (times + 1): progress() >= wanted)  # type: ignore[misc] # bound now
            await self._trouble_the_provider()
            self.done.append(act.__name__.lstrip("_"))
            await act()
            await self._stack.until_ready()

    async def bring_all_back(self) -> None:
        """End all faults, and let the leases of those that were killed end now."""
        await self._stack.control("DELETE", "faults")
        await self._stack.control("PUT", "limits", UNLIMITED)
        await self._cut_the_power()
        await self._stack.until_ready()

    async def _until(self, reached: Callable[[], bool]) -> None:
        """Wait for that progress; not for ever, as all that is left may wait for leases to end."""
        deadline = asyncio.get_running_loop().time() + 2
        while not reached() and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)

    async def _trouble_the_provider(self) -> None:
        for _ in range(6):
            fault: Json = self._chance.choice(
                [
                    {"kind": "drop_before"},
                    {"kind": "commit_then_drop"},
                    {"kind": "delay", "delay_s": LONGEST_DELAY_S},
                    {"kind": "commit_then_drop", "delay_s": LONGEST_DELAY_S},
                    {"kind": "status", "status": self._chance.choice([500, 502, 503])},
                    {"kind": "status", "status": 429, "headers": {"Retry-After": "0.40235"}},
                ]
            )
            method = self._chance.choice(["POST", "PATCH", "*"])
            await self._stack.control(
                "POST", "faults", {"path": "/", "method": method, "count": self._chance.randint(1, 4), **fault}
            )

    def _a_worker(self) -> Process:
        return self._chance.choice(self._stack.workers)

    async def _kill_a_worker(self) -> None:
        worker = self._a_worker()
        worker.kill()
        worker.start()

    async def _stop_a_worker(self) -> None:
        worker = self._a_worker()
        assert await asyncio.to_thread(worker.stop) == 0
        worker.start()

    async def _kill_the_api(self) -> None:
        self._stack.api.kill()
        self._stack.api.start()

    async def _end_backends(self) -> None:
        connection = await asyncpg.connect(self._stack.postgres.dsn)
        for _ in range(5):
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'fleetwrite %' AND pid <> pg_backend_pid() AND random() < 0.5"
            )
            await asyncio.sleep(self._chance.uniform(0, 0.1))
        await connection.close()

    async def _kill_postgres(self) -> None:
        os.kill(self._stack.postgres.pid, signal.SIGKILL)
        await self._stack.restart_postgres()

    async def _cut_the_power(self) -> None:
        """Kill all that is ours at once. Only then may leases end early: nobody who holds one is alive."""
        everybody = (self._stack.api, *self._stack.workers)
        for process in everybody:
            process.kill()
        os.kill(self._stack.postgres.pid, signal.SIGKILL)
        await self._stack.restart_postgres()
        # The provider goes on with what had reached it.
        await asyncio.sleep(LONGEST_DELAY_S)
        await self._stack.shift_clock(int(self._lease_s) + 1)
        for process in everybody:
            process.start()

    async def _limit_the_provider(self) -> None:
        kind = self._chance.choice(["bucket", "fixed", "sliding"])
        await self._stack.control("PUT", "limits", {"requests": 30, "per_seconds": 1, "kind": kind})
        await asyncio.sleep(1)
        await self._stack.control("PUT", "limits", UNLIMITED)
