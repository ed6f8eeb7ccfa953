"""Writes that would expire before their turn are refused over HTTP, and only those."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.dispatch.models import Closing
from fleetwrite.kit.clock import database_now
from integration.api.error_bodies import error_body
from integration.api.world import Connected, HttpAnswer, World
from integration.api.write_bodies import CREATE, WriteEndpoint

TRAILER = WriteEndpoint(ResourceEnum.TRAILER, CREATE)
MESSAGE = WriteEndpoint(ResourceEnum.MESSAGE, CREATE)
MESSAGES_SCOPE = "endpoint:POST /v1/fleet/messages"


async def limit(world: World, scope: str, per_seconds: float, connected: Connected | None = None) -> None:
    """Let one call be made each `per_seconds`, and nothing else be limited."""
    path = f"/v2/fleetwrite/connections/{(connected or world.first).id}/budgets"
    budgets = {"budgets": [{"scope": scope, "requests": 1, "per_seconds": per_seconds}]}
    assert (await world.send_json("PUT", path, budgets)).status == 200


async def write(
    world: World, expires_in_s: float | None = None, endpoint: WriteEndpoint = TRAILER, **headers: Any
) -> HttpAnswer:
    if expires_in_s is not None:
        async with world.services.database.acquire() as connection:
            at = await database_now(connection) + timedelta(seconds=expires_in_s)
        headers["Fleetwrite_Expires_At"] = at.isoformat()
    return await world.send_json("POST", endpoint.path(""), endpoint.body(world), **headers)


async def fill(world: World, count: int, **headers: Any) -> None:
    for _ in range(count):
        assert (await write(world, **headers)).status == 202


def wait_of(answer: HttpAnswer) -> int:
    """The seconds that a refused write is told to wait."""
    assert answer.status == 429, answer.text
    detail: Any = error_body(answer).detail
    assert "expires at" in detail.message
    assert answer.headers["Retry-After"] == str(detail.retry_after_seconds)
    return int(detail.retry_after_seconds)


async def test_a_write_whose_turn_comes_after_its_expiry_is_refused_with_the_wait(fresh_world: World) -> None:
    await limit(fresh_world, "token", 100)
    await fill(fresh_world, 3)
    before = await fresh_world.row_counts()

    refused = await write(fresh_world, expires_in_s=120)

    assert 120 < wait_of(refused) < 190
    assert await fresh_world.row_counts() == before
    assert (await write(fresh_world, expires_in_s=1000)).status == 202


async def test_the_deadline_of_a_kind_counts_like_an_expiry(fresh_world: World) -> None:
    await limit(fresh_world, MESSAGES_SCOPE, 1000)
    for _ in range(4):
        assert (await write(fresh_world, endpoint=MESSAGE)).status == 202
    assert 400 < wait_of(await write(fresh_world, endpoint=MESSAGE)) < 500
    # In another lane nothing waits.
    assert (await write(fresh_world, expires_in_s=30)).status == 202


async def test_what_is_less_urgent_is_not_ahead(fresh_world: World) -> None:
    await limit(fresh_world, "token", 100)
    await fill(fresh_world, 2)
    await fill(fresh_world, 1, Fleetwrite_Priority="high")
    assert (await write(fresh_world, expires_in_s=150, Fleetwrite_Priority="high")).status == 202
    wait_of(await write(fresh_world, expires_in_s=150))
    assert 250 < wait_of(await write(fresh_world, expires_in_s=150, Fleetwrite_Priority="low")) < 275


async def test_many_at_once_are_taken_up_to_the_edge(fresh_world: World) -> None:
    await limit(fresh_world, "token", 100)
    answers = await asyncio.gather(*(write(fresh_world, expires_in_s=450) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [202] * 5 + [429] * 15


async def test_a_closed_budget_lets_refuse_what_expires_before_it_opens(fresh_world: World) -> None:
    await fresh_world.services.dispatch.close(UUID(fresh_world.first.id), Closing(for_s=600, call=("token",)))
    assert 530 < wait_of(await write(fresh_world, expires_in_s=60)) <= 540
    assert (await write(fresh_world, expires_in_s=700)).status == 202


async def test_a_connection_that_sends_nothing_now_is_no_reason(fresh_world: World) -> None:
    pause = f"/v2/fleetwrite/connections/{fresh_world.first.id}/pause"
    assert (await fresh_world.send_json("POST", pause, None)).status == 200
    await fill(fresh_world, 2)
    assert (await write(fresh_world, expires_in_s=30)).status == 202


async def test_an_in_flight_cap_alone_is_no_reason(fresh_world: World) -> None:
    path = f"/v2/fleetwrite/connections/{fresh_world.first.id}/budgets"
    await fresh_world.send_json("PUT", path, {"budgets": [{"scope": "token", "in_flight": 1}]})
    await fill(fresh_world, 3)
    assert (await write(fresh_world, expires_in_s=5)).status == 202


async def test_a_write_that_is_scheduled_is_judged_by_its_own_time(fresh_world: World) -> None:
    await limit(fresh_world, MESSAGES_SCOPE, 1000)
    for _ in range(4):
        assert (await write(fresh_world, endpoint=MESSAGE)).status == 202
    async with fresh_world.services.database.acquire() as connection:
        later = await database_now(connection) + timedelta(hours=2)
    scheduled = await write(fresh_world, endpoint=MESSAGE, Fleetwrite_Not_Before=later.isoformat())
    assert scheduled.status == 202


async def test_a_write_under_a_known_key_is_answered_and_not_refused(fresh_world: World) -> None:
    await limit(fresh_world, "token", 100)
    async with fresh_world.services.database.acquire() as connection:
        at = await database_now(connection) + timedelta(seconds=50)
    headers: dict[str, Any] = {"Idempotency_Key": "order-1", "Fleetwrite_Expires_At": at.isoformat()}
    first = await write(fresh_world, **headers)
    wait_of(await write(fresh_world, Fleetwrite_Expires_At=at.isoformat()))
    again = await write(fresh_world, **headers)
    assert (first.status, again.status, again.headers["Idempotency-Replayed"]) == (202, 202, "true")


@pytest.mark.parametrize("expires_in_s", [10, 1000])
async def test_a_sync_write_takes_its_own_slot_and_is_not_refused(fresh_world: World, expires_in_s: float) -> None:
    await limit(fresh_world, "token", 100)
    await fill(fresh_world, 3)
    async with fresh_world.services.database.acquire() as connection:
        at = await database_now(connection) + timedelta(seconds=expires_in_s)
    answer = await fresh_world.send_json(
        "POST",
        f"{TRAILER.path('')}?is_sync=true",
        TRAILER.body(fresh_world),
        Fleetwrite_Expires_At=at.isoformat(),
    )
    assert answer.status == 502
