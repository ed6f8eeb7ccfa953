from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest

from fleetwrite.contract.notifications import EventSchema, Webhook, WebhookRead
from fleetwrite.contract.pages import CursorPage
from integration.api.error_bodies import details_of, error_body
from integration.api.world import World

PATH = "/v2/notifications/webhooks"
WANTED = {"url": "http://127.0.0.1:9/hooks", "event_name": "resource_operation.failed"}


async def test_a_webhook_is_created_shown_masked_listed_and_deleted(fresh_world: World) -> None:
    created = await fresh_world.send_json("POST", PATH, {**WANTED, "secret": "a-secret-of-mine"})
    assert created.status == 200
    webhook = msgspec.json.decode(created.content, type=Webhook)
    assert (webhook.url, webhook.secret) == (WANTED["url"], "a-secret-of-mine")
    assert created.headers["Cache-Control"] == "no-store"

    shown = await fresh_world.get(f"{PATH}/{webhook.id}")
    assert msgspec.json.decode(shown.content, type=WebhookRead).id == webhook.id
    assert "a-secret-of-mine" not in shown.text
    listed = await fresh_world.get(f"{PATH}?event_name=resource_operation.failed&status=active")
    assert [item.id for item in msgspec.json.decode(listed.content, type=CursorPage[WebhookRead]).items] == [webhook.id]

    deleted = await fresh_world.send_json("DELETE", f"{PATH}/{webhook.id}", None)
    assert (deleted.status, deleted.content) == (204, b"")
    assert (await fresh_world.get(f"{PATH}/{webhook.id}")).status == 404
    assert (await fresh_world.send_json("DELETE", f"{PATH}/{webhook.id}", None)).status == 404


async def test_a_wildcard_makes_one_webhook_for_each_action(fresh_world: World) -> None:
    answer = await fresh_world.send_json("POST", PATH, {**WANTED, "event_name": "resource_operation.*"})

    assert answer.status == 200
    made = msgspec.json.decode(answer.content, type=list[Webhook])
    assert {webhook.event_name.value for webhook in made} >= {
        "resource_operation.created",
        "resource_operation.succeeded",
        "resource_operation.failed",
    }


async def test_the_same_webhook_is_not_made_twice(fresh_world: World) -> None:
    await fresh_world.send_json("POST", PATH, WANTED)

    again = await fresh_world.send_json("POST", PATH, WANTED)

    assert again.status == 409
    error_body(again)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"url": "http://127.0.0.1:9/hooks"}, "body.event_name"),
        ({**WANTED, "event_name": "vehicle.exploded"}, "body.event_name"),
        ({**WANTED, "url": "ftp://example.com/x"}, "body.url"),
        ({**WANTED, "url": "http://10.0.0.1/x"}, "body.url"),
        ({**WANTED, "url": "not a url"}, "body.url"),
        ({**WANTED, "filters": {"fleet_ids": ["17"]}}, "body.filters.fleet_ids.0"),
        ({**WANTED, "secrte": "x"}, "body.secrte"),
    ],
)
async def test_a_webhook_that_cannot_be_is_refused(world: World, body: object, path: str) -> None:
    answer = await world.send_json("POST", PATH, body)

    assert answer.status == 422
    assert path in details_of(answer)
    assert await world.row_counts() == world.seeded_rows


async def test_webhooks_of_others_do_not_exist(fresh_world: World) -> None:
    made = (await fresh_world.send_json("POST", PATH, WANTED)).json()

    for answer in (
        await fresh_world.get(f"{PATH}/{made['id']}", token=fresh_world.foreign_token),
        await fresh_world.send_json("DELETE", f"{PATH}/{made['id']}", None, token=fresh_world.foreign_token),
        await fresh_world.get(f"{PATH}/{uuid4()}"),
    ):
        assert answer.status == 404
        error_body(answer)
    assert (await fresh_world.get(PATH, token=fresh_world.foreign_token)).json()["items"] == []


async def test_a_webhook_is_changed_and_its_secret_replaced(fresh_world: World) -> None:
    made = (await fresh_world.send_json("POST", PATH, WANTED)).json()
    path = f"{PATH}/{made['id']}"

    changed = await fresh_world.send_json("PATCH", path, {"filters": {"fleet_refs": ["f"]}, "secret": "a-new-secret"})
    assert changed.status == 200
    shown = msgspec.json.decode(changed.content, type=WebhookRead)
    assert shown.filters is not None
    assert shown.filters.fleet_refs == ["f"]
    assert "a-new-secret" not in changed.text
    kept = "SELECT old_secret_until - fleetwrite_now() FROM subscriptions"
    overlap = await fresh_world.services.database.pool.fetchval(kept)
    assert timedelta(hours=23) < overlap <= timedelta(days=1)

    await fresh_world.send_json("PATCH", f"{path}?secret_overlap_s=60", {"secret": "a-newer-secret"})
    assert await fresh_world.services.database.pool.fetchval(kept) <= timedelta(seconds=60)


@pytest.mark.parametrize(
    ("query", "body", "path"),
    [
        ("", {"secret": "too-short"}, "body.secret"),
        ("", {"event_name": "vehicle.added"}, "body.event_name"),
        ("", {"status": "paused"}, "body.status"),
        ("", {"url": "http://192.168.0.1/"}, "body.url"),
        ("?secret_overlap_s=604801", {}, "query.secret_overlap_s"),
        ("?overlap=1", {}, "query.overlap"),
    ],
)
async def test_a_change_that_cannot_be_is_refused(world: World, query: str, body: object, path: str) -> None:
    answer = await world.send_json("PATCH", f"{PATH}/{uuid4()}{query}", body)

    assert answer.status == 422
    assert path in details_of(answer)
    assert "too-short" not in answer.text


async def test_webhooks_of_others_can_not_be_changed(fresh_world: World) -> None:
    made = (await fresh_world.send_json("POST", PATH, WANTED)).json()

    answer = await fresh_world.send_json(
        "PATCH", f"{PATH}/{made['id']}", {"secret": "a-new-secret"}, token=fresh_world.foreign_token
    )

    assert answer.status == 404


async def test_the_schema_of_an_event_is_shown_to_whoever_has_a_token(world: World) -> None:
    path = "/v2/notifications/schemas/resource_operation.failed"
    for answer in (
        await world.get(path, token=world.reading_token),
        await world.get(f"{path}/versions/1.0"),
    ):
        assert answer.status == 200
        schema = msgspec.json.decode(answer.content, type=EventSchema)
        assert schema.event_name == "resource_operation.failed"
        assert msgspec.json.decode(schema.openapi_schema)["openapi"].startswith("3.0")
    for unknown in (f"{path}/versions/9.9", "/v2/notifications/schemas/vehicle.exploded"):
        missing = await world.get(unknown)
        assert missing.status == 404
        error_body(missing)
    assert (await world.send("GET", path)).status == 401
