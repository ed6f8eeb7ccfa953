from typing import Any

import pytest

from integration.api.error_bodies import details_of, error_body
from integration.api.world import World


def path(connection_id: str) -> str:
    return f"/v2/fleetwrite/connections/{connection_id}/budgets"


async def test_budgets_are_replaced_as_a_whole_set(fresh_world: World) -> None:
    own = path(fresh_world.first.id)
    published = (await fresh_world.get(own)).json()["budgets"]
    assert len(published) > 1
    wanted = {"budgets": [{"scope": "token", "requests": 7, "per_seconds": 3}]}

    replaced = await fresh_world.send_json("PUT", own, wanted)

    assert (replaced.status, replaced.json()) == (200, wanted)
    assert (await fresh_world.get(own)).json() == wanted
    assert (await fresh_world.get(path(fresh_world.second.id))).json()["budgets"] == published
    assert (await fresh_world.send_json("PUT", own, {"budgets": []})).json() == {"budgets": []}
    assert (await fresh_world.send_json("PUT", own, {"budgets": published})).json() == {"budgets": published}
    capped = {"budgets": [{"scope": "token", "in_flight": 4}]}
    assert (await fresh_world.send_json("PUT", own, capped)).json() == capped


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {"body.budgets": "missing"}),
        (
            {"budgets": [{"scope": "token"}]},
            {"body.budgets.0.requests": "missing", "body.budgets.0.per_seconds": "missing"},
        ),
        ({"budgets": [{"scope": "token", "requests": 0, "per_seconds": 1}]}, {"body.budgets.0.requests": "range"}),
        ({"budgets": [{"scope": "token", "requests": 1.5, "per_seconds": 1}]}, {"body.budgets.0.requests": "type"}),
        ({"budgets": [{"scope": "token", "requests": 1, "per_seconds": 0}]}, {"body.budgets.0.per_seconds": "range"}),
        ({"budgets": [{"scope": "token", "requests": 1, "per_seconds": "1"}]}, {"body.budgets.0.per_seconds": "type"}),
        (
            {"budgets": [{"scope": "token", "requests": 1, "per_seconds": 1}] * 2},
            {"body.budgets.1.scope": "range"},
        ),
        ({"budgets": [{"scope": "moon", "requests": 1, "per_seconds": 1}]}, {"body.budgets": "enum"}),
        ({"budgets": [], "budget": []}, {"body.budget": "unknown_field"}),
    ],
)
async def test_budgets_that_cannot_be_are_named_and_change_nothing(
    world: World, body: Any, faults: dict[str, str]
) -> None:
    before = (await world.get(path(world.first.id))).json()

    answer = await world.send_json("PUT", path(world.first.id), body)

    assert (answer.status, details_of(answer)) == (422, faults)
    assert (await world.get(path(world.first.id))).json() == before


async def test_budgets_of_others_are_out_of_reach(world: World) -> None:
    for answer in (
        await world.get(path(world.foreign.id)),
        await world.send_json("PUT", path(world.foreign.id), {"budgets": []}),
        await world.get(path(world.deleted_id)),
    ):
        assert answer.status == 404
        error_body(answer)
