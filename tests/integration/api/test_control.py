"""Operations are controlled over HTTP, each by its own partner only."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.pages import CursorPage
from fleetwrite.operations.control import BatchResult
from fleetwrite.operations.listing import OperationDetail, OperationEntry
from integration.api.error_bodies import details_of, error_body
from integration.api.world import HttpAnswer, World
from integration.api.write_bodies import CREATE, UPDATE, WriteEndpoint

TRAILER = WriteEndpoint(ResourceEnum.TRAILER, CREATE)
TRAILER_UPDATE = WriteEndpoint(ResourceEnum.TRAILER, UPDATE)
BASE = "/v2/fleetwrite/operations"


async def write(world: World, **headers: str) -> str:
    answer = await world.send_json("POST", TRAILER.path(""), TRAILER.body(world), **headers)
    assert answer.status == 202
    operation_id: str = answer.json()["id"]
    return operation_id


def detail_of(answer: HttpAnswer) -> OperationDetail:
    assert answer.status == 200, answer.text
    assert answer.json().keys() == set(OperationDetail.__struct_fields__)
    return msgspec.json.decode(answer.content, type=OperationDetail)


async def test_an_operation_is_followed_called_off_and_tried_anew(busy_world: World) -> None:
    world = busy_world
    key = str(uuid4())
    operation_id = await write(world, Fleetwrite_Priority="high", Idempotency_Key=key)

    waiting = detail_of(await world.get(f"{BASE}/{operation_id}")).waiting
    assert waiting is not None
    assert waiting.priority == 0

    cancelled = detail_of(await world.send_json("POST", f"{BASE}/{operation_id}/cancel", None))
    assert (cancelled.status, cancelled.outcome, cancelled.waiting) == ("failed", "cancelled", None)
    error_body(too_late := await world.send_json("POST", f"{BASE}/{operation_id}/cancel", None))
    assert too_late.status == 409

    listed = await world.get(f"{BASE}?outcome=cancelled&idempotency_key={key}")
    (entry,) = msgspec.json.decode(listed.content, type=CursorPage[OperationEntry]).items
    assert (str(entry.id), entry.idempotency_key) == (operation_id, key)

    again = detail_of(await world.send_json("POST", f"{BASE}/{operation_id}/retry", None))
    assert (again.status, again.outcome) == ("pending", None)
    error_body(pending := await world.send_json("POST", f"{BASE}/{operation_id}/retry?force=true", None))
    assert pending.status == 409
    detail_of(await world.send_json("POST", f"{BASE}/{operation_id}/cancel", None))


async def test_an_older_write_to_a_record_is_tried_anew_only_by_force(busy_world: World) -> None:
    world = busy_world
    path = TRAILER_UPDATE.path(TRAILER_UPDATE.target(world.first))
    ids = [(await world.send_json("PATCH", path, TRAILER_UPDATE.body(world))).json()["id"] for _ in range(2)]
    detail_of(await world.send_json("POST", f"{BASE}/{ids[0]}/cancel", None))

    error_body(refused := await world.send_json("POST", f"{BASE}/{ids[0]}/retry", None))
    assert refused.status == 409
    assert ids[1] in refused.text
    behind = detail_of(await world.send_json("POST", f"{BASE}/{ids[0]}/retry?force=true", None)).waiting
    assert behind is not None
    assert str(behind.behind_operation_id) == ids[1]
    for operation_id in ids:
        detail_of(await world.send_json("POST", f"{BASE}/{operation_id}/cancel", None))


async def test_many_operations_are_controlled_by_filter(fresh_world: World) -> None:
    world = fresh_world
    ids = [await write(world) for _ in range(3)]

    async def send(verb: str, **body: Any) -> BatchResult:
        answer = await world.send_json("POST", f"{BASE}/{verb}", body)
        assert answer.status == 200, answer.text
        return msgspec.json.decode(answer.content, type=BatchResult)

    first = await send("cancel", connection_id=world.first.id, size=2)
    assert (first.count, [str(one) for one in first.operation_ids]) == (2, ids[:2])
    rest = await send("cancel", connection_id=world.first.id, cursor=first.next_page)
    assert (rest.count, rest.next_page) == (1, None)
    assert (await send("retry", outcome="cancelled")).count == 3
    assert (await send("cancel", connection_id=world.second.id)).count == 0


@pytest.mark.parametrize("verb", ["cancel", "retry"])
@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {"body": "missing"}),
        ({"size": 10}, {"body": "missing"}),
        ({"stauts": "failed"}, {"body.stauts": "unknown_field"}),
        ({"status": "broken", "size": 0}, {"body.status": "enum", "body.size": "range"}),
        ({"status": "failed", "cursor": "x"}, {"query.cursor": "format"}),
    ],
)
async def test_a_batch_that_says_too_little_or_what_we_do_not_know_is_refused(
    world: World, verb: str, body: dict[str, Any], faults: dict[str, str]
) -> None:
    answer = await world.send_json("POST", f"{BASE}/{verb}", body)
    assert (answer.status, details_of(answer)) == (422, faults)


async def test_operations_of_others_are_out_of_reach(busy_world: World) -> None:
    world = busy_world
    operation_id = await write(world)
    stranger = world.foreign_token
    for answer in (
        await world.get(f"{BASE}/{operation_id}", token=stranger),
        await world.send_json("POST", f"{BASE}/{operation_id}/cancel", None, token=stranger),
        await world.send_json("POST", f"{BASE}/{operation_id}/retry?force=true", None, token=stranger),
        await world.get(f"{BASE}/{uuid4()}"),
    ):
        assert answer.status == 404
        error_body(answer)
    batch = {"connection_id": world.first.id}
    assert (await world.send_json("POST", f"{BASE}/cancel", batch, token=stranger)).json()["count"] == 0
    assert (await world.get(f"{BASE}?connection_id={world.first.id}", token=stranger)).json()["items"] == []
    detail_of(await world.send_json("POST", f"{BASE}/{operation_id}/cancel", None))


async def test_reading_does_not_allow_control(world: World) -> None:
    for verb in ("cancel", "retry"):
        answer = await world.send_json("POST", f"{BASE}/{verb}", {"status": "failed"}, token=world.reading_token)
        assert answer.status == 403
