"""Everything is killed at random while writes of all kinds flow: nothing is lost, nothing is written twice."""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg

from acceptance.chaos import MARK, Author, Monkey, Receiver, Stream, ToldBy, Write, submit, subscribed
from acceptance.stack import Stack

WRITES: Final = int(os.environ.get("CHAOS_WRITES", "500"))
"""`make chaos` has 5,000."""

KILLS: Final = max(8, WRITES // 100)

LEASE_S: Final = 16.0
"""The shortest there is with a provider time-out of one second."""

SETTINGS: Final = {
    "FLEETWRITE_PROVIDER_TIMEOUT_S": "1",
    "FLEETWRITE_LEASE_S": str(LEASE_S),
    "FLEETWRITE_SYNC_DEADLINE_S": "3",
    "FLEETWRITE_WORKER_CONCURRENCY": "32",
    "FLEETWRITE_RETRY_FIRST_S": "0.2",
    "FLEETWRITE_RETRY_CAP_S": "1",
}

PATIENCE_S: Final = 120.0 + WRITES * 0.1


async def probe_at_once(stack: Stack) -> None:
    """So many faults open the host's breaker now and then; its probes need not wait a quarter of a minute each."""
    while True:
        await asyncio.sleep(0.5)
        try:
            connection = await asyncpg.connect(stack.postgres.dsn, timeout=5)
        except (OSError, asyncpg.PostgresError):
            continue  # killed just now
        try:
            await connection.execute("UPDATE breakers SET probe_at = fleetwrite_now() WHERE probe_at IS NOT NULL")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            continue
        finally:
            connection.terminate()


async def until_all_is_told(stack: Stack, receiver: Receiver, count: int) -> dict[str, dict[str, Any]]:
    """Wait until the receiver knows the beginning and the end of each operation; returns them all."""
    turns = 0
    while len(receiver.events) < 2 * count or len(receiver.ended) < count:
        await asyncio.sleep(0.25)
        turns += 1
        if turns % 20 == 0 and len(receiver.ended) == count:
            # What is left are deliveries: these may be repeated, so their leases and pauses may end early.
            await stack.shift_clock(int(LEASE_S) + 1)
    return await stack.operations()


async def test_nothing_is_lost_and_nothing_is_written_twice_whatever_is_killed(tmp_path: Path) -> None:
    # The suite does the same every time; `make chaos` throws the dice.
    seed = int(os.environ.get("CHAOS_SEED") or 31)
    print(f"CHAOS_SEED={seed}")  # noqa: T201 - shown when it fails, to run it again
    chance = random.Random(seed)
    async with (
        asyncio.timeout(PATIENCE_S),
        Stack(tmp_path, SETTINGS, workers=2) as stack,
        subscribed(stack, random.Random(seed)) as receiver,
    ):
        await stack.raise_budget(300)
        streams = (await Author.of(stack)).streams(WRITES)
        count = sum(len(stream.writes) for stream in streams)
        monkey = Monkey(stack, chance, LEASE_S)
        submitting = asyncio.create_task(submit(stack, streams, receiver))
        probing = asyncio.create_task(probe_at_once(stack))
        await monkey.plague(KILLS, lambda: len(receiver.ended) / count)
        print(monkey.done)  # noqa: T201 - likewise
        assert not any(process.has_died for process in (stack.api, *stack.workers))
        accepted = await submitting
        await monkey.bring_all_back()
        operations = await until_all_is_told(stack, receiver, count)
        probing.cancel()
        log = (await stack.control("GET", "requests?since=0"))["requests"]
        records = {
            name: (await stack.control("GET", f"records/{name}"))["records"]
            for name in ("trailers", "vehicles", "drivers")
        }
    assert operations.keys() == accepted.keys()
    sent = [call for call in log if call["method"] in ("POST", "PATCH")]
    check_ends(operations, accepted, sent)
    check_records(operations, records)
    check_order(streams, sent)
    check_events(operations, receiver)


def marks(calls: Sequence[Mapping[str, Any]]) -> list[str]:
    """The mark that each call carried."""
    return [MARK.findall(json.dumps(call["body"]))[0] for call in calls if call["body"] is not None]


def was_committed(call: Mapping[str, Any]) -> bool:
    return bool(200 <= call["status"] < 300)


def check_ends(operations: Mapping[str, Any], accepted: Mapping[str, Write], sent: Sequence[Mapping[str, Any]]) -> None:
    """What can be looked up succeeded; what can not was sent once at most, and says so where nobody knows."""
    committed = Counter(marks([call for call in sent if was_committed(call)]))
    # A 429 is no attempt: the provider says that it did nothing.
    tried = Counter(marks([call for call in sent if call["status"] != 429]))
    for operation_id, write in accepted.items():
        operation = operations[operation_id]
        if write.told_by is ToldBy.MARK:
            assert operation["status"] == "success", operation
            assert committed[write.mark] >= 1
            continue
        assert (committed if write.told_by is ToldBy.CONTENT else tried)[write.mark] <= 1, operation
        if operation["status"] == "success":
            assert committed[write.mark] == 1, operation
        else:
            assert operation["status"] == "failed", operation
            assert operation["logs"][-1]["error_details"].startswith("outcome_unknown:"), operation


def check_records(operations: Mapping[str, Any], records: Mapping[str, Any]) -> None:
    """Each create that carries an id of ours is there exactly once."""
    at_provider = Counter(
        record["externalIds"]["fleetwriteOperation"]
        for collection in records.values()
        for record in collection
        if "fleetwriteOperation" in record.get("externalIds", {})
    )
    created = [
        one
        for one in operations.values()
        if one["operation_type"] == "create" and (one["resource"] in ("trailer", "vehicle") or is_driver(one))
    ]
    assert at_provider == {one["id"].replace("-", ""): 1 for one in created}


def is_driver(operation: Mapping[str, Any]) -> bool:
    return operation["resource"] == "user" and bool(operation["payload"]["is_driver"])


def check_order(streams: Sequence[Stream], sent: Sequence[Mapping[str, Any]]) -> None:
    """Writes to one record, and messages to one recipient, were committed in the order accepted."""
    committed = marks([call for call in sent if was_committed(call)])
    for stream in streams:
        if stream.is_ordered:
            place = {write.mark: number for number, write in enumerate(stream.writes)}
            order = [place[mark] for mark in committed if mark in place]
            assert order == sorted(order)


def check_events(operations: Mapping[str, Any], receiver: Receiver) -> None:
    """Beginning and end of each operation were told, each under one id however often it was delivered."""
    assert receiver.contradictions == []
    verbs = {"success": "succeeded", "failed": "failed"}
    expected = Counter(
        (f"resource_operation.{verb}", one["id"])
        for one in operations.values()
        for verb in ("created", verbs[one["status"]])
    )
    assert Counter(receiver.events.values()) == expected
