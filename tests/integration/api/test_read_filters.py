"""Every filter of every list of the contract, one after the other, on records of which it lets some through."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import pytest

from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.ids import derive_id
from fleetwrite.kit.postgres import EmbeddedPostgres
from integration.api.conftest import address_in
from integration.api.error_bodies import details_of
from integration.api.world import Connected, World, opened_world
from integration.records.keeping import keep

FACTS = json.loads((Path(__file__).parents[2] / "fixtures" / "contract" / "telematics.json").read_text())
LISTS = {
    read["operation_id"].removeprefix("list_").removesuffix("s"): read
    for read in FACTS["reads"]
    if read["is_page"] and read["operation_id"] != "list_dvir_log_defects" and "{" not in read["path"]
}

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

# These say how a list is shown rather than what is in it, and have tests of their own.
SHOWN = {"include_source_data", "sort_by", "sort_order", "cursor", "size"}


@dataclass(frozen=True)
class Seeded:
    """A record that is there, in the first or the second connection."""

    resource: ResourceEnum
    connected: Connected
    source_id: str
    attributes: Mapping[str, Any]
    occurred_at: datetime
    id: str


AGES = (HOUR, 3 * DAY, 20 * DAY)

# In each connection, beside what the world has: two of each that filters can tell, and one of which nothing is known.
HAPPENED: dict[ResourceEnum, tuple[dict[str, Any], dict[str, Any]]] = {
    ResourceEnum.MESSAGE: (
        {"source_sender_id": "201", "source_recipient_id": "101", "message_text": "one"},
        {"source_sender_id": "101", "source_recipient_id": "201", "message_text": "two"},
    ),
    ResourceEnum.GROUP_MESSAGE: (
        {"source_sender_id": "201", "source_recipient_ids": ["101"], "source_group_id": "g1"},
        {"source_sender_id": "101", "source_recipient_ids": ["201"], "source_group_id": "g2"},
    ),
    ResourceEnum.DVIR_LOG: (
        {"source_driver_id": "101", "source_vehicle_id": "301"},
        {"source_driver_id": "201", "source_vehicle_id": "302"},
    ),
    ResourceEnum.FUEL_TRANSACTION: (
        {"source_driver_id": "101", "source_vehicle_id": "301"},
        {"source_driver_id": "201", "source_vehicle_id": "302"},
    ),
}


class Library:
    """A world, all records that its partner sees, and the fleet of each connection."""

    def __init__(self, world: World, seeded: list[Seeded], fleets: Mapping[str, str]) -> None:
        self.world = world
        self.seeded = seeded
        self.fleets = fleets

    def of(self, resource: str) -> list[Seeded]:
        return [one for one in self.seeded if one.resource == resource]

    async def found(self, path: str, **query: Any) -> set[str]:
        """The ids that a list shows; it says itself how many these are."""
        answer = await self.world.get(f"{path}?{urlencode(query, doseq=True)}")
        assert answer.status == 200, answer.text
        page = answer.json()
        assert page["total"] == len(page["items"])
        return {item["id"] for item in page["items"]}


@pytest.fixture(scope="module")
async def library(
    postgres_server: EmbeddedPostgres, database_clones: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Library]:
    name = await database_clones.take()
    async with opened_world(address_in(postgres_server, name), tmp_path_factory.mktemp("library")) as world:
        yield await stocked(world)
    database_clones.discard(name)


async def stocked(world: World) -> Library:
    connections = {connected.id: connected for connected in (world.first, world.second)}
    more: list[tuple[ResourceEnum, str, Mapping[str, Any], timedelta]] = [
        (ResourceEnum.VEHICLE, "302", {}, 2 * DAY),
        (ResourceEnum.TRAILER, "402", {}, 2 * DAY),
    ]
    more += [
        (resource, f"{resource}-{place}", attributes, age)
        for resource, pair in HAPPENED.items()
        for place, (attributes, age) in enumerate(zip((*pair, {}), AGES, strict=True))
    ]
    listing = [
        SourceRecord(
            resource=resource,
            source_id=source_id,
            attributes=attributes,
            source_data={"id": source_id},
            occurred_at=NOW - age,
        )
        for resource, source_id, attributes, age in more
    ]
    for connected in connections.values():
        async with world.services.database.transaction() as connection:
            await keep(connection, UUID(connected.id), listing)
    pool = world.services.database.pool
    seeded = [
        Seeded(
            resource=ResourceEnum(row["resource"]),
            connected=connections[str(row["connection_id"])],
            source_id=row["source_id"],
            attributes=row["attributes"],
            occurred_at=row["occurred_at"],
            id=str(row["id"]),
        )
        for row in await pool.fetch("SELECT * FROM records WHERE connection_id = ANY($1::uuid[])", list(connections))
    ]
    fleets = {str(row["id"]): str(row["fleet_id"]) for row in await pool.fetch("SELECT id, fleet_id FROM connections")}
    return Library(world, seeded, fleets)


Case = tuple[Any, Callable[[Seeded], bool]]


def case_of(library: Library, name: str) -> Case:
    """A value of the filter, and which records it should let through."""
    first, second = library.world.first, library.world.second
    driver, vehicle = first.records["driver"], first.records["vehicle"]

    def within(attribute: str, source_id: str) -> Callable[[Seeded], bool]:
        return lambda one: one.connected is first and one.attributes.get(attribute) == source_id

    cases: dict[str, Case] = {
        "fleet_ids": ([library.fleets[first.id]], lambda one: one.connected is first),
        "fleet_refs": (["fleet-2", "elsewhere"], lambda one: one.connected is second),
        "connection_id": (second.id, lambda one: one.connected is second),
        "from_datetime": ((NOW - 4 * DAY).isoformat(), lambda one: one.occurred_at >= NOW - 4 * DAY),
        "to_datetime": (
            (NOW - 2 * DAY).isoformat(),
            lambda one: NOW - 3 * DAY <= one.occurred_at < NOW - 2 * DAY,
        ),
        "is_driver": ("true", lambda one: one.attributes.get("is_driver") is True),
        "source_ids": (["101", "301", "401"], lambda one: one.source_id in {"101", "301", "401"}),
        "sender_ids": ([first.records["office_user"]], within("source_sender_id", "201")),
        "recipient_ids": ([driver], within("source_recipient_id", "101")),
        "driver_ids": ([driver, vehicle], within("source_driver_id", "101")),
        "group_ids": (
            [str(derive_id(UUID(first.id), "group", "g1"))],
            within("source_group_id", "g1"),
        ),
        "source_sender_ids": (["101"], lambda one: one.attributes.get("source_sender_id") == "101"),
        "source_recipient_ids": (["101", "x"], lambda one: one.attributes.get("source_recipient_id") == "101"),
        "source_group_ids": (["g2"], lambda one: one.attributes.get("source_group_id") == "g2"),
        "source_driver_ids": (["201"], lambda one: one.attributes.get("source_driver_id") == "201"),
        "user_ids": ([driver, first.records["trailer"]], lambda one: one.id == driver),
        "trailer_ids": ([first.records["trailer"]], lambda one: one.id == first.records["trailer"]),
    }
    return cases[name]


def vehicle_ids(library: Library, resource: str) -> Case:
    """Of vehicles the filter means themselves; of anything else, what it is about."""
    vehicle = library.world.first.records["vehicle"]
    if resource == "vehicle":
        return [vehicle], lambda one: one.id == vehicle
    return [
        vehicle
    ], lambda one: one.connected is library.world.first and one.attributes.get("source_vehicle_id") == "301"


FILTERS = [(resource, name) for resource, read in LISTS.items() for name in read["query"] if name not in SHOWN]
WIDE = {"from_datetime": (NOW - 30 * DAY).isoformat()}


@pytest.mark.parametrize(("resource", "name"), FILTERS)
async def test_a_filter_lets_through_what_it_names_and_nothing_else(library: Library, resource: str, name: str) -> None:
    path = LISTS[resource]["path"]
    value, lets_through = vehicle_ids(library, resource) if name == "vehicle_ids" else case_of(library, name)
    # A list of what happens shows a day, unless it is asked for more; the end of a day is what `to_datetime` says.
    span = WIDE if "from_datetime" in LISTS[resource]["query"] and name != "to_datetime" else {}
    expected = {one.id for one in library.of(resource) if lets_through(one)}
    assert expected
    assert expected != {one.id for one in library.of(resource)}
    assert await library.found(path, **{**span, name: value}) == expected


@pytest.mark.parametrize("resource", LISTS)
async def test_without_filters_everything_is_shown(library: Library, resource: str) -> None:
    span = WIDE if "from_datetime" in LISTS[resource]["query"] else {}
    assert await library.found(LISTS[resource]["path"], **span) == {one.id for one in library.of(resource)}


@pytest.mark.parametrize("resource", HAPPENED)
async def test_without_times_a_list_of_what_happens_shows_the_last_day(library: Library, resource: str) -> None:
    recent = {one.id for one in library.of(resource) if one.occurred_at >= NOW - DAY}
    assert recent
    assert await library.found(LISTS[resource]["path"]) == recent
    until = (NOW - 2 * HOUR).isoformat()
    a_day_before = {one.id for one in library.of(resource) if NOW - 26 * HOUR <= one.occurred_at < NOW - 2 * HOUR}
    assert await library.found(LISTS[resource]["path"], to_datetime=until) == a_day_before


@pytest.mark.parametrize("resource", HAPPENED)
@pytest.mark.parametrize(
    "times",
    [
        {"from_datetime": NOW - 45 * DAY - HOUR},
        {"from_datetime": NOW - 100 * DAY, "to_datetime": NOW - 54 * DAY},
    ],
    ids=["until now", "of two"],
)
async def test_more_than_45_days_are_refused(library: Library, resource: str, times: Mapping[str, datetime]) -> None:
    query = urlencode({name: at.isoformat() for name, at in times.items()})
    answer = await library.world.get(f"{LISTS[resource]['path']}?{query}")
    assert (answer.status, details_of(answer)) == (422, {"query.from_datetime": "range"})


async def test_filters_hold_together(library: Library) -> None:
    world = library.world
    query = {**WIDE, "sender_ids": [world.first.records["office_user"]]}
    path = LISTS["message"]["path"]
    one = await library.found(path, **query, source_recipient_ids=["101"])
    assert one < await library.found(
        path, **query | {"sender_ids": [*query["sender_ids"], world.second.records["driver"]]}
    )
    assert await library.found(path, **query, connection_id=world.second.id) == set()


@pytest.mark.parametrize("resource", LISTS)
async def test_source_data_comes_only_when_asked_for(library: Library, resource: str) -> None:
    path = LISTS[resource]["path"]
    bare = (await library.world.get(f"{path}?size=1")).json()["items"]
    full = (await library.world.get(f"{path}?size=1&include_source_data=true")).json()["items"]
    assert "source_data" not in bare[0]
    assert full == [bare[0] | {"source_data": full[0]["source_data"]}]


@pytest.mark.parametrize("resource", LISTS)
@pytest.mark.parametrize("sort_order", ["asc", "desc"])
async def test_a_list_is_in_the_order_of_what_occurred_there_and_back(
    library: Library, resource: str, sort_order: str
) -> None:
    path = LISTS[resource]["path"]
    query = {"sort_order": sort_order, "size": 1}
    if "from_datetime" in LISTS[resource]["query"]:
        query |= WIDE
    expected = sorted((one.occurred_at, one.id) for one in library.of(resource))
    if sort_order == "desc":
        expected.reverse()
    met, pages, cursor = [], [], None
    while True:
        page = (await library.world.get(f"{path}?{urlencode(query | ({'cursor': cursor} if cursor else {}))}")).json()
        met += [item["id"] for item in page["items"]]
        pages.append(page)
        assert page["total"] == len(expected)
        cursor = page["next_page"]
        if cursor is None:
            break
    assert met == [record_id for _, record_id in expected]
    back = (await library.world.get(f"{path}?{urlencode(query | {'cursor': pages[-1]['previous_page']})}")).json()
    assert back["items"] == pages[-2]["items"]


async def test_a_cursor_of_another_order_is_refused(library: Library) -> None:
    page = (await library.world.get("/v2/telematics/users?size=1&sort_by=username")).json()
    again = await library.world.get(f"/v2/telematics/users?sort_by=username&cursor={page['next_page']}")
    assert again.status == 200
    for other in ("", "&sort_by=updated_at", "&sort_by=source_id", "&sort_by=first_name"):
        answer = await library.world.get(f"/v2/telematics/users?cursor={page['next_page']}{other}")
        assert (answer.status, details_of(answer)) == (422, {"query.cursor": "format"})


@pytest.mark.parametrize("field", ["colour", "", "source_data", "id;DROP TABLE records", "vehicle_name"])
async def test_a_list_can_not_be_sorted_by_what_is_no_field_of_it(library: Library, field: str) -> None:
    answer = await library.world.get(f"/v2/telematics/users?sort_by={quote(field)}")
    assert (answer.status, details_of(answer)) == (422, {"query.sort_by": "enum"})
