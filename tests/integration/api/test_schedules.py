"""Schedules and their executions over HTTP, each for partners that may use the connection only."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from fleetwrite.access.scopes import Scope
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.enums import ConnectionStatusEnum
from fleetwrite.contract.integrations import ExecutionRead, ScheduleBackfillResponse, ScheduleRead
from fleetwrite.contract.pages import CursorPage
from fleetwrite.dispatch.claims import claim
from fleetwrite.kit.ids import first_id_at
from fleetwrite.records.schedule_models import PULL
from integration.api.error_bodies import details_of, error_body
from integration.api.world import Connected, HttpAnswer, World

LISTED = ["vehicle", "trailer", "user"]  # what Samsara's connector lists
BACKFILL = "/v2/integrations/connections/schedules/backfill"
SCOPES = [
    Scope.SCHEDULE_READ,
    Scope.SCHEDULE_CREATE,
    Scope.SCHEDULE_UPDATE,
    Scope.SCHEDULE_DELETE,
    Scope.EXECUTION_READ,
]


@pytest.fixture
async def token(fresh_world: World) -> str:
    """A token that may do everything with schedules."""
    return await token_with(fresh_world, *SCOPES)


async def token_with(world: World, *scopes: Scope) -> str:
    client = await world.services.clients.create(UUID(world.partner_id), scopes=scopes)
    issued = await world.services.tokens.issue(
        client_id=client.client_id, client_secret=client.client_secret, grant_type="client_credentials", scope=None
    )
    return issued.access_token


def path(connected: Connected, *further: object) -> str:
    return "/".join(["/v2/integrations/connections", connected.id, "schedules", *map(str, further)])


async def listed(world: World, token: str, connected: Connected, query: str = "") -> list[ScheduleRead]:
    answer = await world.get(path(connected) + query, token=token)
    assert answer.status == 200, answer.text
    return list(msgspec.json.decode(answer.content, type=CursorPage[ScheduleRead]).items)


async def of_vehicles(world: World, token: str) -> ScheduleRead:
    (schedule,) = await listed(world, token, world.first, "?resource=vehicle")
    return schedule


def schedule_in(answer: HttpAnswer) -> ScheduleRead:
    assert answer.status == 200, answer.text
    assert answer.json().keys() == set(ScheduleRead.__struct_fields__)
    return msgspec.json.decode(answer.content, type=ScheduleRead)


async def claim_due(world: World) -> set[UUID]:
    """The schedules whose pulls a worker would begin now."""
    async with world.services.database.transaction() as connection:
        jobs = await claim(connection, PULL, 100, timedelta(seconds=60))
    return {job.id for job in jobs}


async def test_a_new_connection_has_a_schedule_for_all_that_its_provider_lists(fresh_world: World, token: str) -> None:
    schedules = await listed(fresh_world, token, fresh_world.first)

    assert [one.resource.value for one in schedules] == LISTED
    assert {
        (one.status.value, one.execution_interval_seconds, one.consecutive_error_count, one.consecutive_error_threshold)
        for one in schedules
    } == {("active", 600, 0, 15)}
    assert {one.id for one in schedules} <= await claim_due(fresh_world)
    assert schedules[0] == await of_vehicles(fresh_world, token)
    assert schedule_in(await fresh_world.get(path(fresh_world.first, schedules[1].id), token=token)) == schedules[1]


async def test_the_list_is_read_in_pages(fresh_world: World, token: str) -> None:
    first = msgspec.json.decode(
        (await fresh_world.get(path(fresh_world.first) + "?size=2", token=token)).content,
        type=CursorPage[ScheduleRead],
    )
    rest = await listed(fresh_world, token, fresh_world.first, f"?size=2&cursor={first.next_page}")
    assert [one.resource.value for one in [*first.items, *rest]] == LISTED
    assert details_of(await fresh_world.get(path(fresh_world.first) + "?cursor=nonsense", token=token)) == {
        "query.cursor": "format"
    }


async def test_a_schedule_is_made_once_and_again_when_it_was_deleted(fresh_world: World, token: str) -> None:
    world = fresh_world
    body = {"resource": "vehicle", "execution_interval_seconds": 3600}
    refused = await world.send_json("POST", path(world.first), body, token=token)
    assert refused.status == 409
    assert "already" in error_body(refused).detail

    old = await of_vehicles(world, token)
    gone = await world.send("DELETE", path(world.first, old.id), headers={"Authorization": f"Bearer {token}"})
    assert (gone.status, gone.content) == (204, b"")
    assert (await world.get(path(world.first, old.id), token=token)).status == 404
    assert old.id not in await claim_due(world)

    made = schedule_in(await world.send_json("POST", path(world.first), body, token=token))
    assert (made.resource.value, made.execution_interval_seconds, made.status.value) == ("vehicle", 3600, "active")
    assert made.id != old.id
    assert await claim_due(world) == {made.id}


async def test_what_the_provider_does_not_list_is_refused_and_named(fresh_world: World, token: str) -> None:
    refused = await fresh_world.send_json("POST", path(fresh_world.first), {"resource": "dvir_log"}, token=token)
    assert details_of(refused) == {"body.resource": "enum"}
    assert "vehicle, trailer, user" in error_body(refused).detail[0].message


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"execution_interval_seconds": 1}, {"body.execution_interval_seconds": "range"}),
        ({"consecutive_error_threshold": 0}, {"body.consecutive_error_threshold": "range"}),
        ({"max_concurrent_executions": 1000}, {"body.max_concurrent_executions": "range"}),
        ({"status": "deleted"}, {"body.status": "enum"}),
        ({"cursor": "a\0b"}, {"body.cursor": "format"}),
        ({"interval": 60}, {"body.interval": "unknown_field"}),
    ],
)
async def test_what_can_not_be_is_refused_field_by_field(
    fresh_world: World, token: str, fields: dict[str, Any], faults: dict[str, str]
) -> None:
    schedule = await of_vehicles(fresh_world, token)
    refused = await fresh_world.send_json("PATCH", path(fresh_world.first, schedule.id), fields, token=token)
    assert details_of(refused) == faults
    refused = await fresh_world.send_json(
        "POST", path(fresh_world.first), {"resource": "vehicle", **fields}, token=token
    )
    assert details_of(refused) == faults
    assert await of_vehicles(fresh_world, token) == schedule


async def test_a_schedule_is_changed_and_null_leaves_a_field_alone(fresh_world: World, token: str) -> None:
    world = fresh_world
    schedule = await of_vehicles(world, token)
    at = datetime(2026, 5, 4, 12, tzinfo=UTC)
    fields = {
        "execution_interval_seconds": 1200,
        "consecutive_error_threshold": 3,
        "consecutive_error_count": 2,
        "cursor": "abc",
        "last_data_at": at.isoformat(),
        "status": None,
    }
    changed = schedule_in(await world.send_json("PATCH", path(world.first, schedule.id), fields, token=token))
    assert changed == msgspec.structs.replace(
        schedule,
        execution_interval_seconds=1200,
        consecutive_error_threshold=3,
        consecutive_error_count=2,
        cursor="abc",
        last_data_at=at,
    )
    anew = schedule_in(await world.send_json("PATCH", path(world.first, schedule.id), {"cursor": None}, token=token))
    assert anew == msgspec.structs.replace(changed, cursor=None)


async def test_a_paused_schedule_does_not_pull_until_it_is_activated(fresh_world: World, token: str) -> None:
    world = fresh_world
    schedule = await of_vehicles(world, token)
    paused = {"status": "paused", "consecutive_error_count": 7}
    assert (
        schedule_in(await world.send_json("PATCH", path(world.first, schedule.id), paused, token=token)).status
        == "paused"
    )
    assert schedule.id not in await claim_due(world)

    active = schedule_in(await world.send_json("POST", path(world.first, schedule.id, "activate"), None, token=token))
    assert (active.status, active.consecutive_error_count) == ("active", 0)
    assert await claim_due(world) == {schedule.id}


async def test_all_that_are_paused_or_inactive_are_activated_together(fresh_world: World, token: str) -> None:
    world = fresh_world
    vehicle, trailer, _ = await listed(world, token, world.first)
    for schedule, status in ((vehicle, "paused"), (trailer, "inactive")):
        await world.send_json("PATCH", path(world.first, schedule.id), {"status": status}, token=token)
    answer = await world.send_json("POST", path(world.first, "activate-schedules"), None, token=token)
    assert answer.status == 200
    assert {one["id"] for one in answer.json()} == {str(vehicle.id), str(trailer.id)}
    assert {one.status.value for one in await listed(world, token, world.first)} == {"active"}


async def test_the_next_execution_can_be_put_off_and_wished_for(fresh_world: World, token: str) -> None:
    world = fresh_world
    schedule = await of_vehicles(world, token)
    for at, is_due in (("2999-01-01T00:00:00Z", False), ("2020-01-01T00:00:00Z", True)):
        fields = {"next_execution_at": at}
        schedule_in(await world.send_json("PATCH", path(world.first, schedule.id), fields, token=token))
        assert (schedule.id in await claim_due(world)) is is_due


async def test_a_backfill_makes_what_never_was_and_leaves_alone_what_was_deleted(
    fresh_world: World, token: str
) -> None:
    world = fresh_world
    deleted = await of_vehicles(world, token)
    await world.send("DELETE", path(world.first, deleted.id), headers={"Authorization": f"Bearer {token}"})
    # As it is on a connection that is older than schedules.
    await world.services.database.pool.execute(
        "DELETE FROM schedules WHERE connection_id = ANY($1) AND resource = 'vehicle'",
        [UUID(world.second.id), UUID(world.foreign.id)],
    )

    async def backfill(**fields: Any) -> list[str]:
        answer = await world.send_json("POST", BACKFILL, fields, token=token)
        assert answer.status == 200, answer.text
        return list(map(str, msgspec.json.decode(answer.content, type=ScheduleBackfillResponse).connection_ids))

    assert await backfill(resource="vehicle", tsp_id=str(uuid4())) == []
    assert await backfill(resource="vehicle", connection_ids=[world.first.id]) == []
    assert await backfill(resource="fuel_transaction") == []
    assert await backfill(resource="vehicle", tsp_id=str(tsp_id("samsara"))) == [world.second.id]
    assert await backfill(resource="vehicle") == []
    assert len(await listed(world, token, world.second)) == 3
    strange = await world.send_json(
        "POST", BACKFILL, {"resource": "vehicle", "connection_ids": [world.foreign.id]}, token=token
    )
    assert strange.status == 404


async def test_connections_that_are_older_than_schedules_get_theirs_when_a_worker_starts(
    fresh_world: World, token: str
) -> None:
    world = fresh_world
    await world.services.database.pool.execute("DELETE FROM schedules")
    await world.services.database.pool.execute("DELETE FROM jobs")
    await world.services.schedules.make_missing()
    schedules = await listed(world, token, world.first)
    assert {one.resource.value for one in schedules} == set(LISTED)
    assert {one.id for one in schedules} <= await claim_due(world)


async def test_executions_are_listed_newest_first_and_kept_for_seven_days(fresh_world: World, token: str) -> None:
    world = fresh_world
    schedule = await of_vehicles(world, token)
    rows = [(age, status) for age in (1, 3, 6.9, 7.1, 30) for status in ("success", "failed")]
    await world.services.database.pool.executemany(
        """
        INSERT INTO executions (id, schedule_id, status, is_whole, cursor, response, created_at, updated_at)
        SELECT $4, $1, $3, true, 'c', CASE WHEN $3 = 'failed' THEN '{"error": "no"}'::jsonb END,
            fleetwrite_now() - make_interval(days => 1) * $2, fleetwrite_now()
        """,
        [(schedule.id, age, status, _made_ago(age)) for age, status in rows],
    )
    await world.services.sweeper.sweep()
    answer = await world.get(path(world.first, schedule.id, "executions"), token=token)
    assert answer.status == 200
    assert answer.json()["items"][0].keys() == set(ExecutionRead.__struct_fields__)
    items = msgspec.json.decode(answer.content, type=CursorPage[ExecutionRead]).items
    assert len(items) == 6
    assert [one.created_at for one in items] == sorted((one.created_at for one in items), reverse=True)
    assert {(one.status.value, one.response is None) for one in items} == {("success", True), ("failed", False)}
    assert {(one.connection_id, one.resource.value, one.source_name) for one in items} == {
        (UUID(world.first.id), "vehicle", "samsara")
    }


async def test_schedules_of_others_do_not_exist(fresh_world: World, token: str) -> None:
    world = fresh_world
    schedule = await of_vehicles(world, token)
    for connected, schedule_id in ((world.foreign, schedule.id), (world.second, schedule.id), (world.first, uuid4())):
        for method, further in (("GET", ()), ("PATCH", ()), ("POST", ("activate",)), ("GET", ("executions",))):
            answer = await world.send_json(method, path(connected, schedule_id, *further), {}, token=token)
            assert answer.status == 404, (method, further)
            error_body(answer)
    assert (await world.get(path(world.foreign), token=token)).status == 404


@pytest.mark.parametrize(
    ("method", "further", "needed"),
    [
        ("GET", (), Scope.SCHEDULE_READ),
        ("POST", (), Scope.SCHEDULE_CREATE),
        ("POST", ("activate-schedules",), Scope.SCHEDULE_UPDATE),
        ("GET", ("{}",), Scope.SCHEDULE_READ),
        ("PATCH", ("{}",), Scope.SCHEDULE_UPDATE),
        ("DELETE", ("{}",), Scope.SCHEDULE_DELETE),
        ("POST", ("{}", "activate"), Scope.SCHEDULE_UPDATE),
        ("GET", ("{}", "executions"), Scope.EXECUTION_READ),
    ],
)
async def test_each_endpoint_asks_for_its_scope(
    world: World, method: str, further: tuple[str, ...], needed: Scope
) -> None:
    without = await token_with(world, *(scope for scope in SCOPES if scope is not needed))
    address = path(world.first, *(part.format(uuid4()) for part in further))
    answer = await world.send_json(method, address, {}, token=without)
    assert answer.status == 403
    assert needed.value in error_body(answer).detail


async def test_the_schedules_of_a_connection_that_is_deleted_end(fresh_world: World, token: str) -> None:
    world = fresh_world
    schedules = await listed(world, token, world.first)
    async with world.services.database.transaction() as connection:
        await world.services.connections.set_status(connection, UUID(world.first.id), ConnectionStatusEnum.DELETED)
    left = await world.services.database.pool.fetch(
        "SELECT DISTINCT status FROM schedules WHERE id = ANY($1)", [one.id for one in schedules]
    )
    assert [row["status"] for row in left] == ["deleted"]
    assert (
        await world.services.database.pool.fetchval(
            "SELECT count(*) FROM jobs WHERE owner_id = $1", UUID(world.first.id)
        )
        == 0
    )


async def test_what_waits_on_a_connection_are_its_writes(fresh_world: World) -> None:
    answer = await fresh_world.get(f"/v2/fleetwrite/connections/{fresh_world.first.id}")
    assert answer.json()["waiting"] == 0


def _made_ago(days: float) -> UUID:
    """An id as it was made so many days ago."""
    return UUID(int=first_id_at(datetime.now(UTC) - timedelta(days=days)).int + random.getrandbits(62))
