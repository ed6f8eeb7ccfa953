"""Webfleet through the whole product: its limits are one call in six seconds, and a message takes two actions."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from connectors.webfleet.webfleet_exhibit import EXHIBIT
from fleetwrite.bootstrap import Services, open_services, run_worker
from fleetwrite.connections.models import Connection
from fleetwrite.connectors.sdk.suite.stand import Stand
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationStatusEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES
from fleetwrite.operations.models import Directives, WriteRequest
from fleetwrite.sandbox.seed import pull_records
from fleetwrite.settings import Settings
from fleetwrite.vault.keyfile import KeyFile


class Fleet:
    """A partner with a connection to the simulator, paced as the manifest says."""

    def __init__(self, services: Services, partner_id: UUID, connection: Connection, drivers: list[UUID]) -> None:
        self.drivers = drivers
        self._services = services
        self._partner_id = partner_id
        self._connection = connection

    async def deliver(self, resource: ResourceEnum, **fields: object) -> ResourceOperationStatusEnum:
        """Create something, and return how it ended."""
        document = msgspec.json.encode({"connection_id": self._connection.id, **fields})
        body = msgspec.json.decode(document, type=WRITE_BODIES[resource, ResourceOperationTypeEnum.CREATE])
        request = WriteRequest(
            partner_id=self._partner_id,
            resource=resource,
            operation_type=ResourceOperationTypeEnum.CREATE,
            record_id=None,
            body=body,
            is_sync=False,
            directives=Directives(),
        )
        operations = self._services.operations
        operation = (await operations.write(request)).operation
        async with asyncio.timeout(20):
            while (
                found := await operations.get(self._partner_id, self._connection.id, operation.id)
            ).status is ResourceOperationStatusEnum.PENDING:
                await asyncio.sleep(0.01)
        return found.status


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with Stand.open(EXHIBIT, tmp_path) as stand:
        yield stand


@pytest.fixture
async def fleet(database_url: str, stand: Stand, tmp_path: Path) -> AsyncIterator[Fleet]:
    KeyFile.create(tmp_path / "vault.key")
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
            tsp_slug="webfleet",
            credentials=stand.login.credentials,
            settings={"base_url": stand.login.base_url},
            account_id="northwind",
        )
        await pull_records(services, connection)
        async with services.database.transaction() as transaction:
            # What is called from here on is called for writes.
            await services.schedules.disconnected(transaction, connection.id)
        rows = await services.database.pool.fetch("SELECT id FROM records ORDER BY source_id")
        stop = asyncio.Event()
        working = asyncio.create_task(run_worker(services, stop))
        yield Fleet(services, partner.id, connection, [row["id"] for row in rows])
        stop.set()
        await working


async def asked_for(stand: Stand, since: int) -> list[str]:
    return [entry["operation"] for entry in await stand.control.requests(since)]


async def test_a_message_takes_one_slot_of_each_action(fleet: Fleet, stand: Stand) -> None:
    since = await stand.control.last_sequence()

    ended = await fleet.deliver(
        ResourceEnum.MESSAGE, sender_id=fleet.drivers[1], recipient_id=fleet.drivers[0], message_text="Dock 4"
    )

    assert ended is ResourceOperationStatusEnum.SUCCESS
    assert await asked_for(stand, since) == ["showDriverReportExtern", "sendTextMessageExtern"]


async def test_a_new_driver_is_made_once_and_read_back(fleet: Fleet, stand: Stand) -> None:
    since = await stand.control.last_sequence()

    ended = await fleet.deliver(ResourceEnum.USER, first_name="Kira", employee_number="D-901")

    assert ended is ResourceOperationStatusEnum.SUCCESS
    assert await asked_for(stand, since) == ["insertDriverExtern", "showDriverReportExtern"]
