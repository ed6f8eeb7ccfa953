"""The live stream, read by a real client from a real server."""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import copy
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import pytest

from fleetwrite.api import gateway
from fleetwrite.api.app import ENDPOINTS, create_app
from fleetwrite.bootstrap import Services
from fleetwrite.cli.processes import _serve
from fleetwrite.events.fan_out import FanOut
from fleetwrite.events.models import NewEvent
from fleetwrite.events.store import append
from fleetwrite.kit.ids import new_id
from fleetwrite.webhooks.fan_out import Batching, DeliveryPlanner
from fleetwrite.webhooks.store import select_listeners
from fleetwrite.webhooks.streams import LISTENS_FOR, EventStreams, StreamSettings
from integration.api.error_bodies import details_of
from integration.api.world import World, served

PATH = "/v2/fleetwrite/events"
FAST = StreamSettings(poll_s=30.0, pause_s=0.0)
"""Nothing but notifications can be in time."""


class Told(msgspec.Struct, frozen=True):
    """One server-sent event."""

    id: str
    event: str
    data: Any


class Listening:
    """A client that reads a stream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.comments: list[str] = []

    async def next(self) -> Told | None:
        """The next event; None at the stream's end."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(20):
            while line := await self.response.content.readline():
                text = line.decode().removesuffix("\n")
                if text.startswith(":"):
                    self.comments.append(text.removeprefix(": "))
                elif text:
                    name, _, value = text.partition(": ")
                    fields[name] = value
                elif "data" in fields:
                    return Told(fields["id"], fields["event"], json.loads(fields["data"]))
        return None

    async def numbers(self, count: int) -> list[int]:
        """What the next so many events say."""
        told = [await self.next() for _ in range(count)]
        return [one.data["data"][0]["number"] for one in told if one is not None]

    async def comment(self, words: str) -> None:
        """Wait for a comment that holds `words`, passing over what else comes."""
        while not any(words in comment for comment in self.comments):
            async with asyncio.timeout(20):
                line = await self.response.content.readline()
            assert line, f"the stream ended without {words!r}: {self.comments}"
            if line.startswith(b":"):
                self.comments.append(line.decode().strip())


@asynccontextmanager
async def listening(
    world: World, query: str = "", *, url: str | None = None, after: str | None = None, token: str | None = None
) -> AsyncIterator[Listening]:
    headers = {"Authorization": f"Bearer {token or world.token}"}
    if after is not None:
        headers["Last-Event-ID"] = after
    async with world.http.get((url or world.url) + PATH + query, headers=headers) as response:
        assert response.status == 200, await response.text()
        one = Listening(response)
        await one.comment("listening")
        yield one


@asynccontextmanager
async def serving(world: World, settings: StreamSettings) -> AsyncIterator[str]:
    """Another API process on the same database, as far as streams are concerned."""
    streams = EventStreams(world.services.database, world.services.database_url, settings)
    try:
        services = copy(world.services)
        services.streams = streams
        async with served(create_app(services)) as url:
            try:
                yield url
            finally:
                streams.end()
    finally:
        await streams.close()


def event(world: World, number: int, **fields: Any) -> NewEvent:
    values = {"event_name": "vehicle.added", "partner_id": UUID(world.partner_id), **fields}
    return NewEvent(id=new_id(), data={"number": number, "note": "Grüße"}, **values)


async def hand_on(services: Services) -> int:
    """What a worker does with events."""
    return await FanOut(services.database, DeliveryPlanner(services.dispatch, Batching()).plan).fan_out_once()


async def tell(world: World, *events: NewEvent) -> None:
    async with world.services.database.transaction() as connection:
        await append(connection, events)
    await hand_on(world.services)


@pytest.fixture(autouse=True)
async def nothing_waits(fresh_world: World) -> None:
    """Hand on what making the world told."""
    await hand_on(fresh_world.services)


async def test_events_are_told_as_they_come_with_id_name_and_envelope(fresh_world: World) -> None:
    new = event(fresh_world, 1)
    async with listening(fresh_world) as stream:
        assert stream.response.headers["Content-Type"].startswith("text/event-stream")
        assert stream.response.headers["Cache-Control"] == "no-store"
        await tell(fresh_world, new)
        told = await stream.next()
    assert told is not None
    assert (told.id, told.event) == (str(new.id), "vehicle.added")
    assert told.data.pop("timestamp").endswith("Z")
    assert told.data == {
        "version": "1.0",
        "event_name": "vehicle.added",
        "data": [{"note": "Grüße", "number": 1}],
        "id": str(new.id),
    }


async def test_a_stream_goes_on_behind_the_last_event_and_pages_through_what_was_missed(fresh_world: World) -> None:
    events = [event(fresh_world, number) for number in range(120)]
    await tell(fresh_world, *events)
    async with listening(fresh_world, after=str(events[9].id)) as stream:
        assert await stream.numbers(110) == list(range(10, 120))
        await tell(fresh_world, event(fresh_world, 120))
        assert await stream.numbers(1) == [120]


async def test_without_a_last_event_a_stream_begins_now(fresh_world: World) -> None:
    await tell(fresh_world, event(fresh_world, 1))
    async with listening(fresh_world) as stream:
        await tell(fresh_world, event(fresh_world, 2))
        assert await stream.numbers(1) == [2]


async def test_an_event_that_commits_late_is_told_to_who_has_seen_a_later_one(fresh_world: World) -> None:
    early, late = event(fresh_world, 1), event(fresh_world, 2)
    assert early.id < late.id
    async with fresh_world.services.database.transaction() as connection:
        await append(connection, [early])
        async with listening(fresh_world) as stream:
            await tell(fresh_world, late)
            assert await stream.numbers(1) == [2]
    await hand_on(fresh_world.services)
    async with listening(fresh_world, after=str(late.id)) as stream:
        assert await stream.numbers(1) == [1]


async def test_nothing_is_missed_by_a_client_that_hangs_up_again_and_again(fresh_world: World) -> None:
    """Writers that overlap, two workers that hand on side by side, and a client that stays for a few events only."""
    chance = random.Random(7)
    count, batch = 300, 3
    first = event(fresh_world, -1)
    await tell(fresh_world, first)
    services, written = fresh_world.services, asyncio.Event()

    async def write(numbers: range) -> None:
        for start in range(numbers.start, numbers.stop, batch):
            async with services.database.transaction() as connection:
                await append(connection, [event(fresh_world, number) for number in range(start, start + batch)])
                await asyncio.sleep(chance.random() * 0.01)

    async def keep_handing_on() -> None:
        planner = DeliveryPlanner(services.dispatch, Batching())
        fan_out = FanOut(services.database, planner.plan, batch=7)
        while not (written.is_set() and await fan_out.fan_out_once() == 0):
            await fan_out.fan_out_once()

    async def listen() -> list[int]:
        seen: set[int] = set()
        last = str(first.id)
        while len(seen) < count:
            async with listening(fresh_world, after=last, url=url) as stream:
                for _ in range(chance.randint(1, 20)):
                    told = await stream.next()
                    assert told is not None
                    last = told.id
                    seen.add(told.data["data"][0]["number"])
                    if len(seen) == count:
                        break
        return sorted(seen)

    async with serving(fresh_world, FAST) as url, asyncio.TaskGroup() as tasks:
        workers = [tasks.create_task(keep_handing_on()) for _ in range(2)]
        heard = tasks.create_task(listen())
        await asyncio.gather(*(write(range(start, start + 60)) for start in range(0, count, 60)))
        written.set()
        await asyncio.wait(workers)
        assert await heard == list(range(count))


async def test_filters_are_those_of_webhooks(fresh_world: World) -> None:
    fleet = new_id()
    query = f"?event_names=vehicle.*&event_names=user.added&fleet_ids={fleet}&fleet_refs=mine"
    async with listening(fresh_world, query) as stream:
        await tell(
            fresh_world,
            event(fresh_world, 1, fleet_id=new_id(), fleet_ref="theirs"),
            event(fresh_world, 2, fleet_id=fleet, fleet_ref="theirs"),
            event(fresh_world, 3, fleet_id=new_id(), fleet_ref="mine", event_name="vehicle.removed"),
            event(fresh_world, 4, fleet_id=fleet, event_name="trailer.added"),
            event(fresh_world, 5, event_name="user.added"),
            event(fresh_world, 6, fleet_id=fleet, event_name="user.removed"),
            event(fresh_world, 7, fleet_ref="mine"),
        )
        assert await stream.numbers(4) == [2, 3, 5, 7]


async def test_nobody_hears_of_the_events_of_others(fresh_world: World) -> None:
    mine = event(fresh_world, 1)
    async with (
        listening(fresh_world, token=fresh_world.foreign_token) as theirs,
        listening(fresh_world) as stream,
    ):
        await tell(fresh_world, mine)
        assert await stream.numbers(1) == [1]
        other = await fresh_world.services.orgs.ensure_partner("Umbrella", "umbrella")
        await tell(fresh_world, event(fresh_world, 2, partner_id=other.id))
        assert await theirs.numbers(1) == [2]
    answer = await fresh_world.send(
        "GET", PATH, headers={"Authorization": f"Bearer {fresh_world.foreign_token}", "Last-Event-ID": str(mine.id)}
    )
    assert details_of(answer).keys() == {"header.Last-Event-ID"}


async def test_what_cannot_be_listened_to_is_refused(world: World) -> None:
    bearer = {"Authorization": f"Bearer {world.token}"}
    for headers, query, path in (
        ({"Last-Event-ID": "17"}, "", "header.Last-Event-ID"),
        ({"Last-Event-ID": str(new_id())}, "", "header.Last-Event-ID"),
        ({}, "?event_names=vehicle.exploded", "query.event_names.0"),
        ({}, "?fleet=7", "query.fleet"),
    ):
        answer = await world.send("GET", PATH + query, headers={**bearer, **headers})
        assert answer.status == 422
        assert details_of(answer).keys() == {path}
    forbidden = await world.get(PATH, token=world.reading_token)
    assert forbidden.status == 403
    assert (await world.send("GET", PATH)).status == 401


async def test_a_head_request_keeps_no_place(fresh_world: World) -> None:
    async with serving(fresh_world, StreamSettings(most_of_partner=1)) as url:
        for _ in range(3):
            async with fresh_world.http.head(
                url + PATH, headers={"Authorization": f"Bearer {fresh_world.token}"}
            ) as one:
                assert one.status == 200


async def test_a_partner_has_so_many_streams_and_a_place_is_free_when_one_ends(fresh_world: World) -> None:
    bearer = {"Authorization": f"Bearer {fresh_world.token}"}
    async with serving(fresh_world, StreamSettings(most_of_partner=1)) as url:
        async with listening(fresh_world, url=url):
            async with fresh_world.http.get(url + PATH, headers=bearer) as refused:
                assert (refused.status, refused.headers["Retry-After"]) == (429, "3")
                assert (await refused.json())["detail"]["retry_after_seconds"] == 3
            async with listening(fresh_world, url=url, token=fresh_world.foreign_token):
                pass  # others have places of their own
        async with asyncio.timeout(20):
            while True:  # the server learns of the hang-up a moment later
                async with fresh_world.http.get(url + PATH, headers=bearer) as answer:
                    if answer.status == 200:
                        break


async def test_a_silent_stream_shows_that_it_lives(fresh_world: World) -> None:
    async with (
        serving(fresh_world, StreamSettings(heartbeat_s=0.01, pause_s=0.0)) as url,
        listening(fresh_world, url=url) as stream,
    ):
        await stream.comment("still here")


async def test_a_stream_ends_with_its_token(fresh_world: World) -> None:
    async with (
        serving(fresh_world, StreamSettings(heartbeat_s=0.01, pause_s=0.0)) as url,
        listening(fresh_world, url=url) as stream,
    ):
        # Longer than a token lives.
        await fresh_world.services.database.pool.execute("UPDATE clock_shift SET shift = '2 hours'")
        await stream.comment("token has expired")
        assert await stream.next() is None


async def test_a_client_that_reads_too_slowly_is_told_so_and_can_go_on(fresh_world: World) -> None:
    first, *_ = events = [event(fresh_world, number) for number in range(6)]
    await tell(fresh_world, *events)
    # Whatever a client does, it takes longer than no time at all.
    async with serving(fresh_world, StreamSettings(page=2, slow_s=0.0)) as url:
        async with listening(fresh_world, url=url, after=str(first.id)) as stream:
            assert await stream.numbers(2) == [1, 2]
            await stream.comment("you read too slowly")
            assert await stream.next() is None
        async with listening(fresh_world, url=url, after=str(events[2].id)) as stream:
            assert await stream.numbers(2) == [3, 4]


async def test_a_client_that_stops_reading_loses_its_place(fresh_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "PIECE_TAKEN_WITHIN_S", 0.1)
    first = event(fresh_world, 0)
    big = [msgspec.structs.replace(event(fresh_world, 1), data={"text": "x" * 200_000}) for _ in range(60)]
    await tell(fresh_world, first, *big)
    async with serving(fresh_world, StreamSettings(most_of_partner=1, page=5)) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.socket() as stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.connect((host, int(port)))
            stalled.sendall(
                f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {fresh_world.token}\r\n"
                f"Last-Event-ID: {first.id}\r\n\r\n".encode()
            )
            bearer = {"Authorization": f"Bearer {fresh_world.token}"}
            statuses = set()
            async with asyncio.timeout(20):
                while 429 not in statuses:  # it has the only place
                    async with fresh_world.http.get(url + PATH, headers=bearer) as answer:
                        statuses.add(answer.status)
                while True:  # and loses it
                    async with fresh_world.http.get(url + PATH, headers=bearer) as answer:
                        if answer.status == 200:
                            break


async def test_streams_of_several_processes_hear_of_what_another_one_hands_on(fresh_world: World) -> None:
    async with (
        serving(fresh_world, FAST) as one,
        serving(fresh_world, FAST) as other,
        listening(fresh_world, url=one) as first,
        listening(fresh_world, url=other) as second,
    ):
        await tell(fresh_world, event(fresh_world, 1))
        assert await first.numbers(1) == await second.numbers(1) == [1]


async def test_a_process_that_is_told_to_stop_ends_its_streams_and_stops(fresh_world: World) -> None:
    services = fresh_world.services
    streams = EventStreams(services.database, services.database_url, FAST)
    streaming = copy(services)
    streaming.streams = streams
    stop = asyncio.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as socket_:
        socket_.bind(("127.0.0.1", 0))
        socket_.listen()
        url = f"http://127.0.0.1:{socket_.getsockname()[1]}"
        process = asyncio.create_task(_serve(streaming, create_app(streaming, ENDPOINTS), 0, stop, [socket_]))
        async with listening(fresh_world, url=url) as stream:
            stop.set()
            await stream.comment("this server is stopping")
            assert await stream.next() is None
        async with asyncio.timeout(20):
            await process
    await streams.close()


async def test_events_of_records_are_kept_for_a_client_for_some_days_after_it_connected(fresh_world: World) -> None:
    async def listeners() -> list[tuple[UUID, str]]:
        async with fresh_world.services.database.acquire() as connection:
            return await select_listeners(connection, ["trailer.added", "vehicle.added"])

    assert await listeners() == []
    async with listening(fresh_world, "?event_names=trailer.*"):
        pass
    assert await listeners() == [(UUID(fresh_world.partner_id), "trailer.added")]
    await fresh_world.services.database.pool.execute("UPDATE clock_shift SET shift = $1", LISTENS_FOR)
    assert await listeners() == []
    async with listening(fresh_world):
        pass
    assert len(await listeners()) == 2
