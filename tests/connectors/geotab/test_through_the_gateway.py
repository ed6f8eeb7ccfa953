"""Writes to Geotab all the way: accepted, sent by a session that all share, looked up after a lost answer, settled."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from fleetwrite.bootstrap import open_services
from fleetwrite.connectors.geotab.endpoints import PATH
from fleetwrite.connectors.geotab.simulator import GeotabSimulator
from fleetwrite.connectors.sdk.simulator import Fault
from fleetwrite.contract.enums import ConnectionStatusEnum, ResourceEnum
from fleetwrite.sandbox.seed import pull_records
from fleetwrite.settings import Settings
from fleetwrite.vault.keyfile import KeyFile
from integration.operations.world import SUCCESS, World

DATABASE = "northwind_haulage"


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A partner with a connection to the simulator, whose limits are those of Geotab."""
    KeyFile.create(tmp_path / "vault.key")
    simulator = GeotabSimulator(tmp_path, host="localhost")
    url = await simulator.start()
    settings = Settings.load(
        {},
        database_url=database_url,
        vault_key_file=str(tmp_path / "vault.key"),
        outbound_allow_http=True,
        outbound_allowed_networks=("127.0.0.0/8",),
    )
    async with open_services(settings, name="tests") as services:
        partner = await services.orgs.ensure_partner("Acme", "acme")
        agreement = await services.orgs.ensure_shared_fleet(partner.id, "fleet-1", "Northwind Haulage")
        connection = await services.connections.create(
            fleet_id=agreement.fleet_id,
            tsp_slug="geotab",
            credentials=simulator.demo_accounts()[0].credentials,
            settings={"base_url": url},
        )
        # Pacing has tests of its own: here it would only take time.
        await services.connection_budgets.replace(partner.id, connection.id, [])
        await pull_records(services, connection)
        rows = await services.database.pool.fetch(
            "SELECT id, resource, attributes -> 'is_driver' AS is_driver FROM records ORDER BY source_id"
        )
        users = [(row["id"], row["is_driver"]) for row in rows if row["resource"] == ResourceEnum.USER]
        yield World(
            services=services,
            simulator=cast(Any, simulator),
            port=int(url.rpartition(":")[2]),
            partner_id=partner.id,
            connection=connection,
            drivers=[user_id for user_id, is_driver in users if is_driver],
            office_users=[user_id for user_id, is_driver in users if not is_driver],
            vehicles=[row["id"] for row in rows if row["resource"] == ResourceEnum.VEHICLE],
            trailers=[row["id"] for row in rows if row["resource"] == ResourceEnum.TRAILER],
        )
    await simulator.stop()


def called(world: World) -> Counter[str]:
    """How often each operation was called."""
    pages = world.simulator.storage.log_pages(0)
    return Counter(msgspec.json.decode(entry)["operation"] for page in pages for entry in page)


def held(world: World, collection: str) -> list[dict[str, Any]]:
    return world.simulator.records(DATABASE, collection)


async def test_all_writes_share_one_login(world: World) -> None:
    for number in range(5):
        await world.write(ResourceEnum.VEHICLE, {"vehicle_name": f"Unit {number}"})
    await world.write(ResourceEnum.TRAILER, {"notes": "Reefer"}, world.trailers[0])
    message = {"sender_id": world.office_users[0], "recipient_id": world.drivers[0], "message_text": "Dock 7"}
    await world.write(ResourceEnum.MESSAGE, message)
    await world.work_off()
    calls = called(world)
    assert (calls["Authenticate"], calls["Add Device"], calls["Set Device"], calls["Add TextMessage"]) == (1, 5, 1, 1)


async def test_a_session_that_is_over_is_replaced_once_for_all(world: World) -> None:
    world.simulator.forget_sessions()
    operations = [await world.write(ResourceEnum.VEHICLE, {"vehicle_name": f"Unit {number}"}) for number in range(5)]
    await world.work_off()
    assert [(await world.operation(one.id)).status for one in operations] == [SUCCESS] * 5
    assert called(world)["Authenticate"] == 2
    assert len(held(world, "Device")) == 15


@pytest.mark.parametrize(
    ("operation", "resource", "fields", "collection"),
    [
        ("Add Device", ResourceEnum.VEHICLE, {"vehicle_name": "Unit 1"}, "Device"),
        (
            "Add User",
            ResourceEnum.USER,
            {"username": "gus@fleet.example", "first_name": "Gus", "last_name": "Hall", "is_driver": True},
            "User",
        ),
        (
            "Add FuelTransaction",
            ResourceEnum.FUEL_TRANSACTION,
            {"transaction_time": "2026-11-02T09:21:00Z", "fuel_volume": 412.6, "fuel_volume_unit": "LITER"},
            "FuelTransaction",
        ),
        (
            "Add DVIRLog",
            ResourceEnum.DVIR_LOG,
            {"occurred_at": "2026-11-02T08:15:00Z", "log_type": "pre_trip"},
            "DVIRLog",
        ),
    ],
)
async def test_a_lost_answer_ends_with_one_record(
    world: World, operation: str, resource: ResourceEnum, fields: dict[str, Any], collection: str
) -> None:
    if resource in {ResourceEnum.FUEL_TRANSACTION, ResourceEnum.DVIR_LOG}:
        fields = {**fields, "driver_id": world.drivers[0], "vehicle_id": world.vehicles[0]}
    before = {record["id"] for record in held(world, collection)}
    world.simulator.faults.add(Fault(path=PATH, operation=operation, kind="commit_then_drop"))
    ended = await world.deliver(resource, fields)
    made = {record["id"] for record in held(world, collection)} - before
    assert ended.status is SUCCESS
    assert made == {ended.source_id}
    assert called(world)[operation] == 1


async def test_a_limit_is_waited_for(world: World) -> None:
    error = {"error": {"message": "Over.", "data": {"type": "OverLimitException"}}}
    fault = Fault(
        path=PATH, operation="Add Device", kind="status", status=200, body=error, headers={"Retry-After": "30"}
    )
    world.simulator.faults.add(fault)
    operation = await world.write(ResourceEnum.VEHICLE, {"vehicle_name": "Unit 1"})
    await world.run_due()
    await world.shift(timedelta(seconds=29))
    assert await world.run_due() == 0
    await world.work_off()
    assert (await world.operation(operation.id)).status is SUCCESS
    assert len(held(world, "Device")) == 11


async def test_a_password_that_is_changed_parks_the_connection(world: World) -> None:
    world.simulator.forget_sessions()
    refusal = {"error": {"message": "No.", "data": {"type": "InvalidUserException"}}}
    world.simulator.faults.add(Fault(path=PATH, operation="Authenticate", kind="status", status=200, body=refusal))
    operation = await world.write(ResourceEnum.VEHICLE, {"vehicle_name": "Unit 1"})
    await world.run_due()
    connection = await world.services.connections.get(world.partner_id, world.connection.id)
    assert connection.status is ConnectionStatusEnum.STALE
    await world.work_off()
    assert (await world.operation(operation.id)).status is SUCCESS
