from typing import Any
from uuid import uuid4

import msgspec
import pytest

from fleetwrite.contract.integrations import ConnectionRead
from fleetwrite.contract.pages import CountedCursorPage, CursorPage
from fleetwrite.contract.telematics_reads import TrailerRead, UserRead, VehicleRead
from integration.api.error_bodies import details_of, error_body
from integration.api.world import World

MODELS: dict[str, Any] = {"vehicles": VehicleRead, "trailers": TrailerRead, "users": UserRead}
PAGES: dict[str, Any] = {
    "vehicles": CountedCursorPage[VehicleRead],
    "trailers": CountedCursorPage[TrailerRead],
    "users": CountedCursorPage[UserRead],
}
ONE_OF = {"vehicles": "vehicle", "trailers": "trailer", "users": "driver"}


def names(items: list[dict[str, Any]], key: str = "id") -> set[str]:
    return {item[key] for item in items}


@pytest.mark.parametrize("path", MODELS)
async def test_a_list_shows_what_the_partner_may_see_in_the_contracts_shape(world: World, path: str) -> None:
    answer = await world.get(f"/v2/telematics/{path}")

    assert answer.status == 200
    page = msgspec.json.decode(answer.content, type=PAGES[path])
    assert page.total == len(page.items)
    assert page.next_page is None
    assert {str(item.connection_id) for item in page.items} == {world.first.id, world.second.id}
    known = {world.first.records[ONE_OF[path]], world.second.records[ONE_OF[path]]}
    assert known <= {str(item.id) for item in page.items}
    assert not any("source_data" in item for item in answer.json()["items"])


@pytest.mark.parametrize("path", MODELS)
async def test_one_is_shown_by_its_id_and_only_to_its_partner(world: World, path: str) -> None:
    record_id = world.first.records[ONE_OF[path]]

    answer = await world.get(f"/v2/telematics/{path}/{record_id}?include_source_data=true")

    assert answer.status == 200
    shown = msgspec.json.decode(answer.content, type=MODELS[path])
    assert str(shown.id) == record_id
    assert shown.fleet_ref == "fleet-1"
    assert shown.source_data["id"] == shown.source_id
    for hidden in (
        await world.get(f"/v2/telematics/{path}/{record_id}", token=world.foreign_token),
        await world.get(f"/v2/telematics/{path}/{world.foreign.records[ONE_OF[path]]}"),
        await world.get(f"/v2/telematics/{path}/{uuid4()}"),
        await world.get(f"/v2/telematics/{path}/{world.first.records['message']}"),
    ):
        assert hidden.status == 404
        error_body(hidden)


async def test_a_list_is_narrowed_by_every_filter(world: World) -> None:
    async def found(query: str) -> set[str]:
        answer = await world.get(f"/v2/telematics/users?{query}")
        assert answer.status == 200, answer.text
        assert answer.json()["total"] == len(answer.json()["items"])
        return names(answer.json()["items"])

    first, second = world.first.records, world.second.records
    assert await found("is_driver=true") == {first["driver"], second["driver"]}
    assert await found("is_driver=0") == {first["office_user"], second["office_user"]}
    assert await found(f"connection_id={world.first.id}") == {first["driver"], first["office_user"]}
    assert await found("fleet_refs=fleet-2&is_driver=1") == {second["driver"]}
    assert await found("fleet_refs=fleet-1&fleet_refs=fleet-2&source_ids=101") == {first["driver"], second["driver"]}
    assert await found(f"user_ids={first['driver']}&user_ids={world.foreign.records['driver']}") == {first["driver"]}
    assert await found(f"connection_id={world.foreign.id}") == set()
    assert await found("fleet_refs=elsewhere") == set()


async def test_a_list_is_paged_there_and_back(world: World) -> None:
    first = (await world.get("/v2/telematics/users?size=3")).json()
    assert (len(first["items"]), first["total"], first["previous_page"]) == (3, 4, None)

    second = (await world.get(f"/v2/telematics/users?size=3&cursor={first['next_page']}")).json()

    assert (len(second["items"]), second["total"], second["next_page"]) == (1, 4, None)
    assert not names(first["items"]) & names(second["items"])
    back = (await world.get(f"/v2/telematics/users?size=3&cursor={second['previous_page']}")).json()
    assert back["items"] == first["items"]


async def test_a_list_is_turned_round_by_its_sort_order(world: World) -> None:
    rising = (await world.get("/v2/telematics/users?sort_order=asc")).json()["items"]
    falling = (await world.get("/v2/telematics/users?sort_order=desc")).json()["items"]

    assert len(rising) == 4
    assert [item["id"] for item in falling] == [item["id"] for item in reversed(rising)]


@pytest.mark.parametrize(
    ("query", "path", "error_type"),
    [
        ("size=0", "query.size", "range"),
        ("size=1001", "query.size", "range"),
        ("size=ten", "query.size", "type"),
        ("cursor=nonsense", "query.cursor", "format"),
        ("connection_id=17", "query.connection_id", "format"),
        ("is_driver=maybe", "query.is_driver", "type"),
        ("sort_order=up", "query.sort_order", "enum"),
        ("is_drivr=true", "query.is_drivr", "unknown_field"),
        ("user_ids=17", "query.user_ids.0", "format"),
        ("&".join(["source_ids=1"] * 101), "query.source_ids", "range"),
        ("source_ids=%00", "query.source_ids.0", "format"),
    ],
)
async def test_a_filter_that_cannot_be_is_named(world: World, query: str, path: str, error_type: str) -> None:
    answer = await world.get(f"/v2/telematics/users?{query}")

    assert answer.status == 422
    assert details_of(answer) == {path: error_type}


async def test_connections_are_listed_without_their_secrets(world: World) -> None:
    answer = await world.get("/v2/integrations/connections")

    assert answer.status == 200
    page = msgspec.json.decode(answer.content, type=CursorPage[ConnectionRead])
    assert {str(item.id) for item in page.items} == {world.first.id, world.second.id}
    assert "total" not in answer.json()
    assert "samsara_api_test" not in answer.text
    narrowed = (await world.get("/v2/integrations/connections?fleet_refs=fleet-2")).json()
    assert names(narrowed["items"]) == {world.second.id}
    same_tsp = (await world.get(f"/v2/integrations/connections?tsp_id={page.items[0].tsp_id}&size=1")).json()
    assert len(same_tsp["items"]) == 1
    assert same_tsp["next_page"]
