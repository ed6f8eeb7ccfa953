"""What a provider can not hold is told when it is accepted, kept with the operation, or refused on demand."""

from typing import Any

import pytest

from integration.api.error_bodies import details_of
from integration.api.world import World
from integration.api.write_bodies import ENDPOINTS

MESSAGE = next(one for one in ENDPOINTS if one.name == "create_message")
VEHICLE = next(one for one in ENDPOINTS if one.name == "create_vehicle")


async def losses_of(world: World, operation_id: str) -> list[dict[str, Any]]:
    answer = await world.get(f"/v2/fleetwrite/operations/{operation_id}")
    assert answer.status == 200, answer.text
    losses: list[dict[str, Any]] = answer.json()["losses"]
    return losses


async def test_losses_are_named_in_the_answer_and_explained_with_the_operation(busy_world: World) -> None:
    answer = await busy_world.send_json("POST", MESSAGE.path(""), MESSAGE.body(busy_world))

    assert (answer.status, answer.headers["Fleetwrite-Losses"]) == (202, "sender_id")
    (loss,) = await losses_of(busy_world, answer.json()["id"])
    assert loss["field"] == "sender_id"
    assert loss["reason"]


async def test_a_write_that_loses_nothing_says_so(busy_world: World) -> None:
    answer = await busy_world.send_json("POST", VEHICLE.path(""), VEHICLE.body(busy_world), Fleetwrite_Losses="refuse")

    assert answer.status == 202, answer.text
    assert "Fleetwrite-Losses" not in answer.headers
    assert await losses_of(busy_world, answer.json()["id"]) == []


@pytest.mark.parametrize("query", ["", "?is_sync=true", "?dry_run=true"])
async def test_any_loss_is_refused_on_demand_with_the_fields(world: World, query: str) -> None:
    answer = await world.send_json("POST", MESSAGE.path("") + query, MESSAGE.body(world), Fleetwrite_Losses="refuse")

    assert answer.status == 422
    assert details_of(answer) == {"body.sender_id": "loss"}
    assert "without the header Fleetwrite-Losses: refuse" in answer.text
    assert await world.row_counts() == world.seeded_rows


async def test_another_word_for_losses_is_refused(world: World) -> None:
    answer = await world.send_json("POST", MESSAGE.path(""), MESSAGE.body(world), Fleetwrite_Losses="maybe")

    assert details_of(answer) == {"header.Fleetwrite-Losses": "enum"}
