from uuid import uuid4

import msgspec
import pytest

from fleetwrite.contract.notifications import WebhookLogRead, WebhookMetrics, WebhookRead
from fleetwrite.contract.pages import CursorPage
from integration.api.error_bodies import details_of, error_body
from integration.api.world import World

PATH = "/v2/notifications/webhooks"
WANTED = {"url": "http://127.0.0.1:9/hooks", "event_name": "resource_operation.failed"}
CALLS = [
    ("POST", f"{PATH}/{{id}}/activate"),
    ("POST", f"{PATH}/{{id}}/pause"),
    ("GET", f"{PATH}/{{id}}/metrics"),
    ("GET", f"{PATH}/{{id}}/logs"),
    ("POST", f"{PATH}/{{id}}/replay"),
    ("POST", "/v2/fleetwrite/webhooks/{id}/test"),
]


async def subscribe(world: World) -> str:
    made = await world.send_json("POST", PATH, WANTED)
    webhook_id: str = made.json()["id"]
    return webhook_id


async def test_a_webhook_is_paused_and_activated(fresh_world: World) -> None:
    path = f"{PATH}/{await subscribe(fresh_world)}"
    for action, status in (("pause", "paused"), ("pause", "paused"), ("activate", "active")):
        answer = await fresh_world.send_json("POST", f"{path}/{action}", None)
        assert answer.status == 200
        assert msgspec.json.decode(answer.content, type=WebhookRead).status == status
        assert (await fresh_world.get(path)).json()["status"] == status


async def test_figures_and_log_have_the_contract_s_shape_and_nothing_else(fresh_world: World) -> None:
    path = f"{PATH}/{await subscribe(fresh_world)}"
    metrics = await fresh_world.get(f"{path}/metrics")
    assert metrics.status == 200
    msgspec.json.decode(metrics.content, type=WebhookMetrics)
    shown = metrics.json()
    assert shown["http_attempts"] == {"6h": 0, "24h": 0, "7d": 0, "14d": 0}
    assert shown["success_rate"] == {"6h": None, "24h": None, "7d": None, "14d": None}
    assert (shown["ewma_success_rate"], shown["dlq_count"]) == (None, 0)
    log = await fresh_world.get(f"{path}/logs?status=failed&start_date=2026-01-01T00:00:00Z&size=5")
    assert log.status == 200
    assert msgspec.json.decode(log.content, type=CursorPage[WebhookLogRead]).items == []


async def test_a_replay_answers_202_with_how_many(fresh_world: World) -> None:
    path = f"{PATH}/{await subscribe(fresh_world)}/replay"
    for query in ("", "?from_datetime=2026-01-01T00:00:00Z&include=delivered", f"?event_ids={uuid4()}"):
        answer = await fresh_world.send_json("POST", path + query, None)
        assert (answer.status, answer.json()) == (202, {"replayed": 0})


async def test_a_test_says_what_came_of_it(fresh_world: World) -> None:
    webhook_id = await subscribe(fresh_world)
    answer = await fresh_world.send_json("POST", f"/v2/fleetwrite/webhooks/{webhook_id}/test", None)
    assert answer.status == 200
    said = answer.json()
    # Nobody listens there.
    assert (said["status"], said["status_code"], said["event_name"]) == ("failed", None, "resource_operation.failed")
    assert said["error_message"].startswith("No connection came about")


async def test_a_test_that_the_limits_leave_no_room_for_says_when_to_come_again(fresh_world: World) -> None:
    webhook_id = await subscribe(fresh_world)
    await fresh_world.services.database.pool.execute(
        "UPDATE budgets SET closed_until = fleetwrite_now() + interval '40 s' WHERE owner_id = $1::text::uuid",
        webhook_id,
    )
    answer = await fresh_world.send_json("POST", f"/v2/fleetwrite/webhooks/{webhook_id}/test", None)
    assert answer.status == 429
    assert 30 < int(answer.headers["Retry-After"]) <= 40
    assert answer.json()["detail"]["retry_after_seconds"] == int(answer.headers["Retry-After"])


@pytest.mark.parametrize(
    ("method", "tail", "path"),
    [
        ("POST", "replay?include=delivered", "query.include"),
        ("POST", "replay?include=everything", "query.include"),
        ("POST", "replay?event_ids=17", "query.event_ids"),
        ("POST", "replay?to_datetime=yesterday", "query.to_datetime"),
        ("POST", "replay?message=17", "query.message"),
        ("GET", "logs?status=delivered", "query.status"),
        ("GET", "logs?start_date=2026-01-01", "query.start_date"),
        ("GET", "logs?cursor=x", "query.cursor"),
    ],
)
async def test_what_cannot_be_asked_for_is_named(fresh_world: World, method: str, tail: str, path: str) -> None:
    url = f"{PATH}/{await subscribe(fresh_world)}/{tail}"
    answer = await (fresh_world.get(url) if method == "GET" else fresh_world.send_json(method, url, None))
    assert answer.status == 422
    assert any(one.startswith(path) for one in details_of(answer))


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_webhooks_of_others_and_deleted_ones_do_not_exist(fresh_world: World, method: str, path: str) -> None:
    webhook_id = await subscribe(fresh_world)

    async def call(path: str, token: str | None = None) -> int:
        answer = await fresh_world.send_json(method, path, None, token=token or fresh_world.token)
        if answer.status == 404:
            error_body(answer)
        return answer.status

    assert await call(path.format(id=webhook_id), fresh_world.foreign_token) == 404
    assert await call(path.format(id=uuid4())) == 404
    await fresh_world.send_json("DELETE", f"{PATH}/{webhook_id}", None)
    assert await call(path.format(id=webhook_id)) == 404


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_each_call_needs_its_scope(fresh_world: World, method: str, path: str) -> None:
    webhook_id = await subscribe(fresh_world)
    answer = await fresh_world.send_json(method, path.format(id=webhook_id), None, token=fresh_world.reading_token)
    assert answer.status == 403
