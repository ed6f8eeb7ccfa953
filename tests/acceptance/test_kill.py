"""kill -9 in the middle of the work: nothing accepted is lost, and nothing is written twice."""

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from acceptance.stack import Stack

EACH = 500
"""So many trailer creates and so many messages."""

CONCURRENCY = 32
"""Calls in flight in the worker, hence the most writes whose outcome one kill leaves to be found out."""

SETTINGS = {
    "FLEETWRITE_PROVIDER_TIMEOUT_S": "2",
    "FLEETWRITE_LEASE_S": "20",
    "FLEETWRITE_WORKER_CONCURRENCY": str(CONCURRENCY),
    "FLEETWRITE_RETRY_FIRST_S": "0.2",
}


async def submit(stack: Stack, path: str, bodies: list[dict[str, str]]) -> set[str]:
    """Have every body accepted, again after a lost answer; returns the ids of those that were acknowledged."""
    accepted: set[str] = set()
    waiting = list(enumerate(bodies))

    async def one(number: int, body: dict[str, str]) -> None:
        attempt = 0
        while True:
            # A new text for each try: whether the one before was accepted is what nobody knows.
            fields = {name: f"{value} #{number}.{attempt}" if " " in value else value for name, value in body.items()}
            try:
                status, answer = await stack.call("POST", path, {"connection_id": stack.connection_id, **fields})
            except aiohttp.ClientError:
                status, answer = 0, None
            if status == 202:
                accepted.add(answer["id"])
                return
            assert status in (0, 500), answer
            attempt += 1
            await stack.until_ready()

    async def some() -> None:
        while waiting:
            await one(*waiting.pop())

    await asyncio.gather(*(some() for _ in range(16)))
    return accepted


async def until_provider_was_called(stack: Stack, times: int) -> None:
    async with asyncio.timeout(60):
        while True:
            log = await stack.control("GET", "requests?since=0")
            if sum(call["method"] == "POST" for call in log["requests"]) >= times:
                return
            await asyncio.sleep(0.02)


async def until_all_have_ended(stack: Stack) -> dict[str, dict[str, Any]]:
    async with asyncio.timeout(90):
        while True:
            operations = await stack.operations()
            if all(operation["status"] != "pending" for operation in operations.values()):
                return operations
            await asyncio.sleep(0.25)


async def kill(stack: Stack, victim: str) -> None:
    match victim:
        case "worker":
            stack.worker.kill()
            stack.worker.start()
        case "api":
            stack.api.kill()
            stack.api.start()
        case "postgres":
            os.kill(stack.postgres.pid, signal.SIGKILL)
            await stack.restart_postgres()
    await stack.until_ready()


@pytest.mark.parametrize("victim", ["worker", "api", "postgres"])
async def test_a_kill_loses_no_accepted_operation_and_repeats_none(victim: str, tmp_path: Path) -> None:
    async with Stack(tmp_path, SETTINGS) as stack:
        await stack.raise_budget(150)
        users = await stack.records("users")
        driver = next(user["id"] for user in users if user["is_driver"])
        sender = next(user["id"] for user in users if not user["is_driver"])
        trailers = [{"trailer_name": "Trailer of the test"}] * EACH
        messages = [{"sender_id": sender, "recipient_id": driver, "message_text": "Message of the test"}] * EACH
        submitting = asyncio.gather(
            submit(stack, "/v2/telematics/trailers", trailers), submit(stack, "/v2/telematics/messages", messages)
        )
        await until_provider_was_called(stack, 60)
        await kill(stack, victim)
        created, sent = await submitting
        await until_provider_was_called(stack, 200)
        await kill(stack, victim)
        # The leases of what was in flight at the kills end now, not in twenty seconds. Nobody alive may hold one then.
        stack.worker.stop()
        await stack.shift_clock(25)
        stack.worker.start()
        await stack.raise_budget(2000)
        operations = await until_all_have_ended(stack)

        assert (len(created), len(sent)) == (EACH, EACH)
        assert created | sent <= operations.keys()
        at_provider = Counter(
            trailer["externalIds"]["fleetwriteOperation"]
            for trailer in (await stack.control("GET", "records/trailers"))["records"]
            if "fleetwriteOperation" in trailer.get("externalIds", {})
        )
        of_trailers = [o for o in operations.values() if o["resource"] == "trailer"]
        assert {o["status"] for o in of_trailers} == {"success"}
        assert at_provider == {o["id"].replace("-", ""): 1 for o in of_trailers}

        texts = Counter(m["text"] for m in (await stack.control("GET", "records/messages"))["records"])
        of_messages = [o for o in operations.values() if o["resource"] == "message"]
        # No id of ours goes with a message, but Samsara lists what drivers were sent: that tells which ones arrived.
        assert {o["status"] for o in of_messages} == {"success"}
        assert texts == {o["payload"]["message_text"]: 1 for o in of_messages}
