from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from fleetwrite.connectors.samsara.simulator import Organization, SamsaraSimulator, Token
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.integrations import ResourceOperationRead
from fleetwrite.contract.pages import CursorPage
from fleetwrite.contract.telematics import ResourceOperation
from integration.api.error_bodies import details_of, error_body
from integration.api.world import HttpAnswer, World
from integration.api.write_bodies import CREATE, UPDATE, WriteEndpoint

VEHICLE = WriteEndpoint(ResourceEnum.VEHICLE, CREATE)
USER = WriteEndpoint(ResourceEnum.USER, CREATE)
MESSAGE = WriteEndpoint(ResourceEnum.MESSAGE, CREATE)
DVIR = WriteEndpoint(ResourceEnum.DVIR_LOG, CREATE)
FUEL = WriteEndpoint(ResourceEnum.FUEL_TRANSACTION, CREATE)

OPERATIONS = "/v2/integrations/connections/resource-operations"


async def write(world: World, endpoint: WriteEndpoint, query: str = "", **changes: object) -> HttpAnswer:
    return await world.send_json("POST", endpoint.path("") + query, {**endpoint.body(world), **changes})


def operation_of(answer: HttpAnswer) -> ResourceOperation:
    """Decode the answer of a write, which must hold the keys of its Struct and no others."""
    operation = msgspec.json.decode(answer.content, type=ResourceOperation)
    assert answer.json().keys() == set(ResourceOperation.__struct_fields__)
    return operation


async def test_an_accepted_write_is_pending_and_can_be_followed(busy_world: World) -> None:
    answer = await write(busy_world, MESSAGE)

    assert answer.status == 202
    operation = operation_of(answer)
    assert (operation.status.value, operation.logs, operation.resource_id) == ("pending", [], None)
    assert operation.payload["source_recipient_id"] == "101"
    followed = await busy_world.get(
        f"/v2/integrations/connections/{busy_world.first.id}/resource-operations/{operation.id}"
    )
    assert followed.status == 200
    read = msgspec.json.decode(followed.content, type=ResourceOperationRead)
    assert followed.json().keys() == set(ResourceOperationRead.__struct_fields__)
    assert (read.id, read.fleet_ref, read.source_name) == (operation.id, "fleet-1", "samsara")


async def test_an_operation_is_shown_on_its_connection_and_to_its_partner_only(busy_world: World) -> None:
    operation = operation_of(await write(busy_world, VEHICLE))
    own, other = busy_world.first.id, busy_world.second.id
    base = "/v2/integrations/connections"

    for hidden in (
        await busy_world.get(f"{base}/{other}/resource-operations/{operation.id}"),
        await busy_world.get(f"{base}/{own}/resource-operations/{uuid4()}"),
        await busy_world.get(f"{base}/{own}/resource-operations/{operation.id}", token=busy_world.foreign_token),
    ):
        assert hidden.status == 404
        error_body(hidden)
    malformed = await busy_world.get(f"{base}/17/resource-operations/18")
    assert details_of(malformed) == {"path.connection_id": "format", "path.resource_operation_id": "format"}


async def test_operations_are_listed_by_every_filter(fresh_world: World) -> None:
    created = operation_of(await write(fresh_world, VEHICLE))
    update = WriteEndpoint(ResourceEnum.VEHICLE, UPDATE)
    target = fresh_world.first.records["vehicle"]
    changed = operation_of(await fresh_world.send_json("PATCH", update.path(target), update.body(fresh_world)))
    message = operation_of(await write(fresh_world, MESSAGE))

    async def found(query: str, token: str | None = None) -> list[str]:
        answer = await fresh_world.get(f"{OPERATIONS}?{query}", token=token)
        assert answer.status == 200, answer.text
        page = msgspec.json.decode(answer.content, type=CursorPage[ResourceOperationRead])
        assert "total" not in answer.json()
        return [str(item.id) for item in page.items]

    everything = [str(operation.id) for operation in (created, changed, message)]
    assert await found("") == everything
    assert await found("size=2") == everything[:2]
    assert await found("resource=message") == [str(message.id)]
    assert await found("operation=update") == [str(changed.id)]
    assert await found("resource=vehicle&source_id=301") == [str(changed.id)]
    assert await found(f"connection_id={fresh_world.second.id}") == []
    assert await found("fleet_refs=fleet-1&source_name=samsara") == everything
    assert await found("source_name=geotab") == []
    assert await found("to_datetime=2026-05-04T10:00:00Z") == []
    assert await found("", token=fresh_world.foreign_token) == []


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("resource=fuel_charge", "query.resource"),
        ("source_id=301", "query.resource"),
        ("from_datetime=2026-05-04T10:00:00", "query.from_datetime"),
        ("from_datetime=2026-01-01T00:00:00Z&to_datetime=2026-05-01T00:00:00Z", "query.from_datetime"),
    ],
)
async def test_filters_that_cannot_be_are_named(world: World, query: str, path: str) -> None:
    answer = await world.get(f"{OPERATIONS}?{query}")

    assert answer.status == 422
    assert details_of(answer).keys() == {path}


async def test_a_sync_write_that_reaches_nobody_answers_502_with_the_operation(busy_world: World) -> None:
    answer = await write(busy_world, VEHICLE, "?is_sync=true")

    assert answer.status == 502
    operation = operation_of(answer)
    assert operation.status.value == "failed"
    assert [log.error_type.value for log in operation.logs if log.error_type] == ["network"]


async def test_what_the_tsp_does_not_offer_is_told_at_once(world: World) -> None:
    answer = await write(world, DVIR, log_type="pre_trip")

    assert answer.status == 501
    assert "pre_trip" in error_body(answer).detail
    assert await world.row_counts() == world.seeded_rows


async def test_what_the_tsp_requires_beyond_the_contract_is_named(world: World) -> None:
    answer = await world.send_json(
        "POST", USER.path(""), {"connection_id": world.first.id, "is_driver": True, "last_name": "Doe"}
    )

    assert answer.status == 422
    assert details_of(answer) == {"body.username": "required_by_tsp"}


async def test_losses_are_named_or_refused_and_can_be_allowed(busy_world: World) -> None:
    small = await write(busy_world, DVIR, defect_count=2)
    assert (small.status, small.headers["Fleetwrite-Losses"]) == (202, "defect_count")

    essential = {**DVIR.body(busy_world), "occurred_at": "2026-05-04T10:00:00Z"}
    refused = await busy_world.send_json("POST", DVIR.path(""), essential)
    assert (refused.status, details_of(refused)) == (422, {"body.occurred_at": "loss"})

    allowed = await busy_world.send_json("POST", DVIR.path(""), essential, Fleetwrite_Losses="allow")
    assert (allowed.status, allowed.headers["Fleetwrite-Losses"]) == (202, "occurred_at")


async def test_unknown_fields_are_ignored_and_named_where_that_is_wished(busy_world: World) -> None:
    body = {**VEHICLE.body(busy_world), "colour": "red"}

    answer = await busy_world.send_json("POST", VEHICLE.path(""), body, Prefer="Handling=Lenient; x=1, wait=5")

    assert answer.status == 202
    assert answer.headers["Preference-Applied"] == "handling=lenient"
    assert answer.headers["Fleetwrite-Ignored-Fields"] == "colour"
    assert "colour" not in operation_of(answer).payload


async def test_the_same_purchase_is_not_taken_twice(busy_world: World) -> None:
    purchase = {**FUEL.body(busy_world), "fuel_volume": 77}
    assert (await busy_world.send_json("POST", FUEL.path(""), purchase)).status == 202

    again = await busy_world.send_json("POST", FUEL.path(""), purchase)

    assert again.status == 409
    error_body(again)
    keyed = await busy_world.send_json("POST", FUEL.path(""), purchase, Idempotency_Key="the-other-card")
    assert keyed.status == 202


async def test_a_sync_write_that_the_tsp_takes_answers_200_and_its_secret_can_be_collected_once(
    fresh_world: World, tmp_path: Path
) -> None:
    simulator = SamsaraSimulator(tmp_path, (Organization(id="7001", name="Acme", tokens=(Token("samsara_api_test"),)),))
    provider_url = await simulator.start()
    try:
        await fresh_world.services.connections.replace_settings(UUID(fresh_world.first.id), {"base_url": provider_url})
        answer = await write(fresh_world, USER, "?is_sync=1")
    finally:
        await simulator.stop()

    assert answer.status == 200
    operation = operation_of(answer)
    assert (operation.status.value, operation.source_id is None, operation.resource_id is None) == (
        "success",
        False,
        False,
    )
    path = f"/v2/fleetwrite/operations/{operation.id}/secrets"
    collected = await fresh_world.send_json("POST", path, None)
    assert (collected.status, collected.headers["Cache-Control"]) == (200, "no-store")
    assert len(collected.json()["secrets"]["password"]) >= 16
    assert (await fresh_world.send_json("POST", path, None)).status == 404
    shown = await fresh_world.get(f"/v2/telematics/users/{operation.resource_id}")
    assert shown.json()["username"] == "j.doe"


async def test_secrets_of_an_operation_are_not_handed_out_before_it_ended_nor_to_others(busy_world: World) -> None:
    operation = operation_of(await write(busy_world, USER))
    path = f"/v2/fleetwrite/operations/{operation.id}/secrets"

    waiting = await busy_world.send_json("POST", path, None)
    foreign = await busy_world.send_json("POST", path, None, token=busy_world.foreign_token)
    unknown = await busy_world.send_json("POST", f"/v2/fleetwrite/operations/{uuid4()}/secrets", None)

    assert [answer.status for answer in (waiting, foreign, unknown)] == [409, 404, 404]
    for answer in (waiting, foreign, unknown):
        error_body(answer)


async def test_a_write_that_comes_again_under_its_key_gets_the_first_answer(busy_world: World) -> None:
    async def send(text: str, key: str) -> HttpAnswer:
        body = {**MESSAGE.body(busy_world), "message_text": text}
        return await busy_world.send_json("POST", MESSAGE.path(""), body, Idempotency_Key=key)

    first = await send("Gate 4", "order-77")
    again = await send("Gate 4", "order-77")
    other = await send("Gate 5", "order-77")

    assert (first.status, again.status) == (202, 202)
    assert again.json() == first.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Fleetwrite-Losses"] == first.headers["Fleetwrite-Losses"]
    assert other.status == 422
    assert details_of(other) == {"header.Idempotency-Key": "format"}
