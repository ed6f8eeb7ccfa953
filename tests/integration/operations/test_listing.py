"""Operations as a partner finds them again: filters, pages, and nobody else's."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.errors import ErrorType
from fleetwrite.contract.integrations import ResourceOperationRead
from fleetwrite.contract.tsps import TspEnum
from fleetwrite.operations.errors import InvalidWriteError, OperationNotFoundError
from fleetwrite.operations.service import OperationQuery
from integration.operations import writes
from integration.operations.world import World, opened_world


@pytest.fixture(scope="module")
async def listed(
    postgres_server: Any, database_clones: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[World, dict[str, UUID]]]:
    """A world with an operation of each kind, by name, a minute apart; two days later."""
    name = await database_clones.take()
    address = f"{postgres_server.dsn.rpartition('/')[0]}/{name}"
    async with opened_world(address, tmp_path_factory.mktemp("listing")) as world:
        ids: dict[str, UUID] = {}
        for kind in writes.ALL:
            ids[kind.name] = (await world.deliver(kind.resource, kind.body(world, writes.new_mark()))).id
            await world.shift(timedelta(minutes=1))
        ids["update"] = (await world.deliver(ResourceEnum.TRAILER, {"notes": "x"}, world.trailers[0])).id
        other = await world.another_connection()
        ids["other fleet"] = (await world.write(ResourceEnum.TRAILER, {"trailer_name": "x", "connection_id": other})).id
        await world.shift(timedelta(hours=1))
        yield world, ids
    database_clones.discard(name)


Listed = tuple[World, dict[str, UUID]]


async def found(listed: Listed, **filters: Any) -> list[str]:
    """The names of the operations that a list with these filters has, in its order."""
    world, ids = listed
    page = await world.services.operations.page(world.partner_id, OperationQuery(**filters))
    names = {operation_id: name for name, operation_id in ids.items()}
    return [names[operation.id] for operation in page.items]


async def test_without_filters_it_is_the_last_day_oldest_first(listed: Listed) -> None:
    assert await found(listed) == list(listed[1])


async def test_each_filter_narrows(listed: Listed) -> None:
    world, _ = listed
    trailers = ["trailer", "trailer with a year", "update", "other fleet"]
    assert await found(listed, resource=ResourceEnum.TRAILER) == trailers
    assert await found(listed, operation=ResourceOperationTypeEnum.UPDATE) == ["update"]
    assert await found(listed, connection_id=uuid4()) == []
    assert "other fleet" not in await found(listed, connection_id=world.connection.id)
    assert await found(listed, fleet_refs=["fleet-2", "fleet-9"]) == ["other fleet"]
    assert await found(listed, fleet_refs=[]) == []
    assert len(await found(listed, source_name=TspEnum.SAMSARA)) == len(listed[1])
    assert await found(listed, source_name=TspEnum.MOTIVE) == []
    assert await found(listed, fleet_refs=["fleet-1"], resource=ResourceEnum.TRAILER) == trailers[:-1]


async def test_a_source_id_finds_all_writes_to_that_record(listed: Listed) -> None:
    world, ids = listed
    created = await world.operation(ids["trailer"])
    filters = {"resource": ResourceEnum.TRAILER, "source_id": created.source_id}
    assert await found(listed, **filters) == ["trailer"]
    assert await found(listed, resource=ResourceEnum.VEHICLE, source_id=created.source_id) == []


async def test_times_bound_the_list_the_first_included_the_last_not(listed: Listed) -> None:
    world, ids = listed
    first, last = await world.operation(ids["trailer with a year"]), await world.operation(ids["driver"])
    bounds = {"from_datetime": first.created_at, "to_datetime": last.created_at}
    assert await found(listed, **bounds) == ["trailer with a year", "vehicle"]
    assert await found(listed, to_datetime=first.created_at) == ["trailer"]


async def test_a_list_without_a_beginning_reaches_a_day_back_from_its_end(listed: Listed) -> None:
    world, ids = listed
    created_at = (await world.operation(ids["trailer"])).created_at
    assert "trailer" in await found(listed, to_datetime=created_at + timedelta(days=1))
    assert "trailer" not in await found(listed, to_datetime=created_at + timedelta(days=1, microseconds=1))


async def test_filters_that_do_not_go_together_are_named(listed: Listed) -> None:
    world, ids = listed
    created_at = (await world.operation(ids["trailer"])).created_at
    query = OperationQuery(source_id="1", from_datetime=created_at - timedelta(days=46), to_datetime=created_at)
    with pytest.raises(InvalidWriteError) as refused:
        await world.services.operations.page(world.partner_id, query)
    assert [(detail.path, detail.error_type) for detail in refused.value.details] == [
        ("query.from_datetime", ErrorType.RANGE),
        ("query.resource", ErrorType.MISSING),
    ]
    whole = {"from_datetime": created_at - timedelta(days=40), "to_datetime": created_at + timedelta(days=5)}
    assert len(await found(listed, **whole)) == len(ids)


async def test_pages_make_up_the_whole_list_forwards_and_backwards(listed: Listed) -> None:
    world, ids = listed
    pages, cursor = [], None
    while True:
        page = await world.services.operations.page(world.partner_id, OperationQuery(size=4, cursor=cursor))
        pages.append([operation.id for operation in page.items])
        if page.next_page is None:
            break
        cursor = page.next_page
    assert [len(page) for page in pages] == [4, 4, 3]
    assert [one for ids_of_page in pages for one in ids_of_page] == list(ids.values())
    back = await world.services.operations.page(world.partner_id, OperationQuery(size=4, cursor=page.previous_page))
    assert sorted(operation.id for operation in back.items) == sorted(pages[1])


async def test_a_list_shows_what_a_look_at_each_operation_shows(listed: Listed) -> None:
    world, ids = listed
    page = await world.services.operations.page(world.partner_id, OperationQuery(connection_id=world.connection.id))
    shown: list[ResourceOperationRead] = [await world.operation(operation.id) for operation in page.items]
    assert list(page.items) == shown
    assert len(shown) == len(ids) - 1


async def test_another_partners_operations_do_not_exist(listed: Listed) -> None:
    world, ids = listed
    stranger = await world.services.orgs.ensure_partner("Umbrella", "umbrella")
    assert list((await world.services.operations.page(stranger.id, OperationQuery())).items) == []
    for connection_id in (world.connection.id, uuid4()):
        with pytest.raises(OperationNotFoundError):
            await world.services.operations.get(stranger.id, connection_id, ids["trailer"])


async def test_two_partners_of_one_fleet_do_not_see_each_others_writes(listed: Listed) -> None:
    world, ids = listed
    stranger = await world.services.orgs.ensure_partner("Cyberdyne", "cyberdyne")
    await world.services.orgs.create_agreement(
        partner_id=stranger.id, fleet_id=world.connection.fleet_id, fleet_ref="theirs"
    )
    made = await world.write(ResourceEnum.TRAILER, {"trailer_name": "z"}, partner_id=stranger.id)
    page = await world.services.operations.page(stranger.id, OperationQuery())
    assert [(operation.id, operation.fleet_ref) for operation in page.items] == [(made.id, "theirs")]
    assert await found(listed) == list(ids)
    with pytest.raises(OperationNotFoundError):
        await world.operation(made.id)


async def test_an_operation_is_found_on_its_connection_only(listed: Listed) -> None:
    world, ids = listed
    for operation_id in (ids["other fleet"], uuid4()):
        with pytest.raises(OperationNotFoundError):
            await world.operation(operation_id)
