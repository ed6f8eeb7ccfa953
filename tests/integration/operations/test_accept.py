"""From a request to a stored operation, or to a refusal that leaves no trace."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from fleetwrite.connections.errors import ConnectionNotFoundError
from fleetwrite.connectors.sdk.write import UnofferedWriteError
from fleetwrite.contract.enums import ConnectionStatusEnum, ResourceEnum
from fleetwrite.contract.errors import ErrorType
from fleetwrite.dispatch.errors import OrderConflictError
from fleetwrite.operations.backlog import BacklogGate
from fleetwrite.operations.errors import BacklogFullError, InvalidWriteError, ReferenceUsedError
from fleetwrite.operations.models import WriteRequest
from fleetwrite.records.errors import RecordNotFoundError
from integration.operations import writes
from integration.operations.world import NORTHWIND, PENDING, SUCCESS, World, as_json, opened_world

Fault = tuple[str, ErrorType]


async def faults_of(world: World, request: WriteRequest) -> list[Fault]:
    """Paths and types of the faults for which a write is refused."""
    with pytest.raises(InvalidWriteError) as refused:
        await world.services.operations.write(request)
    return [(detail.path, detail.error_type) for detail in refused.value.details]


@pytest.mark.parametrize("kind", writes.ALL, ids=lambda kind: kind.name)
async def test_an_accepted_write_is_there_with_its_event_and_its_job(world: World, kind: writes.Kind) -> None:
    operation = await world.write(kind.resource, kind.body(world, writes.new_mark()))
    assert (operation.status, operation.logs, operation.resource_id, operation.source_id) == (PENDING, [], None, None)
    stored = await world.operation(operation.id)
    shared = as_json(stored)
    assert {name: value for name, value in as_json(operation).items() if name in shared} == {
        name: value for name, value in shared.items() if name not in {"fleet_ref", "source_name"}
    }
    assert (stored.fleet_ref, stored.source_name) == ("fleet-1", "samsara")
    assert await world.events(operation.id) == [("resource_operation.created", shared)]
    assert [job["id"] for job in await world.waiting()] == [operation.id]


async def test_the_payload_is_the_body_with_the_providers_ids_beside_ours(world: World) -> None:
    mark = writes.new_mark()
    operation = await world.write(
        ResourceEnum.FUEL_TRANSACTION, writes.fuel(world, mark) | {"odometer": None, "co_driver_id": world.drivers[1]}
    )
    source_ids = await source_ids_of(world, [world.drivers[0], world.drivers[1], world.vehicles[0]])
    assert as_json(operation.payload) == {
        **as_json(writes.fuel(world, mark)),
        "co_driver_id": str(world.drivers[1]),
        "source_driver_id": source_ids[0],
        "source_co_driver_id": source_ids[1],
        "source_vehicle_id": source_ids[2],
    }


async def test_a_list_of_ids_gets_a_list_of_the_providers_ids(world: World) -> None:
    body = writes.GROUP_MESSAGE.body(world, writes.new_mark()) | {"recipient_ids": world.drivers[:3]}
    operation = await world.write(ResourceEnum.GROUP_MESSAGE, body)
    assert operation.payload["source_recipient_ids"] == await source_ids_of(world, world.drivers[:3])


async def test_decimals_keep_every_digit_from_the_body_to_the_provider(world: World) -> None:
    body = writes.FUEL.body(world, writes.new_mark()) | {
        "fuel_volume": Decimal("0.10000000000000000001"),
        "fuel_volume_unit": "CUBIC_METER",
        "total_cost": Decimal("412.60"),
        "latitude": Decimal("32.7767000000000000001"),
        "longitude": Decimal("-96.80"),
    }
    accepted = await world.write(ResourceEnum.FUEL_TRANSACTION, body, allow_losses=True)
    await world.work_off()
    stored = await world.operation(accepted.id)
    for operation in (accepted, stored):
        digits = {name: str(operation.payload[name]) for name in ("fuel_volume", "total_cost", "latitude", "longitude")}
        assert digits == {
            "fuel_volume": "0.10000000000000000001",
            "total_cost": "412.60",
            "latitude": "32.7767000000000000001",
            "longitude": "-96.80",
        }
    texts = await world.services.database.pool.fetch(
        "SELECT data::text FROM events WHERE data ->> 'id' = $1", str(accepted.id)
    )
    assert len(texts) == 2
    assert all("0.10000000000000000001" in row["data"] and "412.60" in row["data"] for row in texts)
    (purchase,) = world.held("fuel-purchase", merchantName=body["fuel_vendor"])
    assert purchase["transactionPrice"]["amount"] == "412.60"


async def test_an_update_names_its_record_from_the_start(world: World) -> None:
    operation = await world.write(ResourceEnum.TRAILER, {"notes": "leaks"}, world.trailers[0])
    assert operation.resource_id == world.trailers[0]
    assert [operation.source_id] == await source_ids_of(world, [world.trailers[0]])
    assert as_json(operation.payload) == {"notes": "leaks"}


async def test_a_null_means_unchanged_unless_the_partner_says_that_it_clears(world: World) -> None:
    await world.deliver(ResourceEnum.TRAILER, {"notes": "leaks", "license_plate_number": "4GZ"}, world.trailers[1])
    kept = await world.deliver(ResourceEnum.TRAILER, {"notes": None, "license_plate_number": "4GX"}, world.trailers[1])
    assert as_json(kept.payload) == {"license_plate_number": "4GX"}
    assert world.held("trailers", id=kept.source_id)[0]["notes"] == "leaks"
    cleared = await world.deliver(ResourceEnum.TRAILER, {"notes": None}, world.trailers[1], clear_nulls=True)
    assert as_json(cleared.payload) == {"notes": None}
    assert not world.held("trailers", id=kept.source_id)[0].get("notes")


async def test_a_connection_that_is_not_active_accepts(world: World) -> None:
    for status in (ConnectionStatusEnum.PAUSED, ConnectionStatusEnum.STALE):
        await world.set_status(status)
        operation = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
        assert operation.status is PENDING
    await world.set_status(ConnectionStatusEnum.ACTIVE)


class TestRefused:
    """What is refused leaves no row in any table."""

    @pytest.fixture(autouse=True)
    async def no_traces(self, world: World) -> Any:
        await world.another_connection()
        before, calls = await world.rows(), len(world.calls())
        yield
        assert await world.rows() == before
        assert len(world.calls()) == calls

    async def test_ids_that_nobody_knows(self, world: World) -> None:
        body = writes.FUEL.body(world, writes.new_mark()) | {"driver_id": uuid4(), "co_driver_id": uuid4()}
        assert await faults_of(world, world.request(ResourceEnum.FUEL_TRANSACTION, body)) == [
            ("body.driver_id", ErrorType.UNKNOWN_ID),
            ("body.co_driver_id", ErrorType.UNKNOWN_ID),
        ]

    async def test_ids_of_another_kind_each_at_its_place(self, world: World) -> None:
        body = writes.GROUP_MESSAGE.body(world, "x") | {
            "sender_id": world.vehicles[0],
            "recipient_ids": [world.drivers[0], world.trailers[0], uuid4()],
        }
        assert await faults_of(world, world.request(ResourceEnum.GROUP_MESSAGE, body)) == [
            ("body.sender_id", ErrorType.WRONG_KIND),
            ("body.recipient_ids.1", ErrorType.WRONG_KIND),
            ("body.recipient_ids.2", ErrorType.UNKNOWN_ID),
        ]

    async def test_fields_that_the_provider_requires(self, world: World) -> None:
        request = world.request(ResourceEnum.TRAILER, {"notes": "reefer"})
        assert await faults_of(world, request) == [("body.trailer_name", ErrorType.REQUIRED_BY_TSP)]

    async def test_fields_that_the_provider_can_not_hold(self, world: World) -> None:
        body = writes.DVIR_LOG.body(world, "x") | {"occurred_at": "2026-05-04T10:00:00Z"}
        request = world.request(ResourceEnum.DVIR_LOG, body)
        assert await faults_of(world, request) == [("body.occurred_at", ErrorType.LOSS)]

    async def test_a_kind_of_write_that_the_provider_does_not_offer(self, world: World) -> None:
        with pytest.raises(UnofferedWriteError, match="Driver App"):
            await world.write(ResourceEnum.DVIR_LOG, writes.DVIR_LOG.body(world, "x") | {"log_type": "pre_trip"})

    async def test_an_update_of_a_record_that_nobody_knows(self, world: World) -> None:
        for record_id in (uuid4(), world.vehicles[0]):
            with pytest.raises(RecordNotFoundError):
                await world.write(ResourceEnum.TRAILER, {"notes": "leaks"}, record_id)

    async def test_a_connection_that_is_unknown_or_somebody_elses(self, world: World) -> None:
        stranger = await world.services.orgs.ensure_partner("Umbrella", "umbrella")
        for how in ({"partner_id": stranger.id}, {"partner_id": uuid4()}):
            with pytest.raises(ConnectionNotFoundError):
                await world.write(ResourceEnum.TRAILER, {"trailer_name": "x"}, **how)
        with pytest.raises(ConnectionNotFoundError):
            await world.write(ResourceEnum.TRAILER, {"trailer_name": "x", "connection_id": uuid4()})

    async def test_records_of_another_connection(self, world: World) -> None:
        other = await world.another_connection()
        body = writes.MESSAGE.body(world, "x") | {"connection_id": other}
        assert await faults_of(world, world.request(ResourceEnum.MESSAGE, body)) == [
            ("body.sender_id", ErrorType.UNKNOWN_ID),
            ("body.recipient_id", ErrorType.UNKNOWN_ID),
        ]
        with pytest.raises(RecordNotFoundError):
            await world.write(ResourceEnum.TRAILER, {"notes": "x", "connection_id": other}, world.trailers[0])


async def test_a_deleted_record_is_unknown(world: World) -> None:
    created = await world.deliver(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    await world.services.database.pool.execute(
        "UPDATE records SET deleted_at = fleetwrite_now() WHERE id = $1", created.resource_id
    )
    with pytest.raises(RecordNotFoundError):
        await world.write(ResourceEnum.TRAILER, {"notes": "x"}, created.resource_id)


async def test_a_deleted_connection_is_unknown(fresh_world: World) -> None:
    await fresh_world.set_status(ConnectionStatusEnum.DELETED)
    with pytest.raises(ConnectionNotFoundError):
        await fresh_world.write(ResourceEnum.TRAILER, {"trailer_name": "x"})


async def test_a_sync_write_is_refused_when_older_writes_to_its_record_still_wait_at_its_deadline(
    database_url: str, tmp_path: Path
) -> None:
    async with opened_world(database_url, tmp_path, sync_deadline_s=5.2) as world:
        await world.write(ResourceEnum.TRAILER, {"notes": "first"}, world.trailers[0])
        before = await world.rows()
        with pytest.raises(OrderConflictError):
            await world.write(ResourceEnum.TRAILER, {"notes": "second"}, world.trailers[0], is_sync=True)
        assert await world.rows() == before


async def test_a_sync_write_waits_for_the_older_writes_to_its_record(world: World) -> None:
    older = await world.write(ResourceEnum.TRAILER, {"notes": "first"}, world.trailers[0])
    sync = asyncio.create_task(world.write(ResourceEnum.TRAILER, {"notes": "second"}, world.trailers[0], is_sync=True))
    assert await world.run_due() == 1
    answered = await sync
    assert (await world.operation(older.id)).status == answered.status == SUCCESS
    at_provider = {record["id"]: record for record in world.simulator.records(NORTHWIND, "trailers")}
    assert at_provider[answered.source_id]["notes"] == "second"


async def test_writes_accepted_at_once_share_commits_and_a_bad_one_fails_alone(world: World) -> None:
    twice = writes.FUEL.body(world, writes.new_mark())
    requests = [world.request(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}) for _ in range(30)]
    requests[10:10] = [world.request(ResourceEnum.FUEL_TRANSACTION, twice)] * 2
    before = await world.rows()
    results = await asyncio.gather(*map(world.services.operations.write, requests), return_exceptions=True)
    refused = [result for result in results if isinstance(result, BaseException)]
    assert [type(error) for error in refused] == [ReferenceUsedError]
    after = await world.rows()
    assert {table: after[table] - before[table] for table in ("operations", "jobs", "events", "reference_ledger")} == {
        "operations": 31,
        "jobs": 31,
        "events": 31,
        "reference_ledger": 1,
    }


async def test_writes_accepted_at_once_share_one_commit_where_none_is_bad(world: World) -> None:
    requests = [world.request(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}) for _ in range(30)]
    await asyncio.gather(*map(world.services.operations.write, requests))
    transactions = await world.services.database.pool.fetchval("SELECT count(DISTINCT xmin::text) FROM jobs")
    assert transactions < 15


async def test_a_partner_whose_backlog_is_full_is_told_when_to_come_back(database_url: str, tmp_path: Path) -> None:
    async with opened_world(database_url, tmp_path, backlog_cap=2) as world:
        for _ in range(2):
            await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
        before = await world.rows()
        with pytest.raises(BacklogFullError, match="2 writes are waiting") as refused:
            await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
        assert refused.value.retry_after_s > 0
        assert await world.rows() == before
        await world.work_off()
        await BacklogGate(world.services.database, cap=2).enter(world.partner_id)


async def test_a_backlog_counts_one_partners_pending_operations_only(fresh_world: World) -> None:
    await fresh_world.deliver(ResourceEnum.TRAILER, {"trailer_name": "done"})
    await fresh_world.write(ResourceEnum.TRAILER, {"trailer_name": "waits"})
    gate = BacklogGate(fresh_world.services.database, cap=1)
    with pytest.raises(BacklogFullError):
        await gate.enter(fresh_world.partner_id)
    await gate.enter(uuid4())


async def source_ids_of(world: World, ids: Any) -> list[str]:
    rows = await world.services.database.pool.fetch("SELECT id, source_id FROM records WHERE id = ANY($1)", list(ids))
    known = {row["id"]: row["source_id"] for row in rows}
    return [known[one] for one in ids]
