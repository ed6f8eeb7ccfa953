"""A partner, a fleet and its connection to a running simulator; and short ways to write, deliver and look."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.bootstrap import Services, open_services
from fleetwrite.connections.models import Connection
from fleetwrite.connectors.samsara.simulator.server import SamsaraSimulator
from fleetwrite.connectors.sdk.simulator import Fault, Limit
from fleetwrite.connectors.sdk.simulator.server import Simulator
from fleetwrite.contract.enums import (
    ConnectionStatusEnum,
    ResourceEnum,
    ResourceOperationStatusEnum,
    ResourceOperationTypeEnum,
)
from fleetwrite.contract.integrations import ResourceOperationRead
from fleetwrite.contract.telematics import WRITE_BODIES, ResourceOperation
from fleetwrite.dispatch.claims import claim, claim_expired
from fleetwrite.dispatch.models import Job
from fleetwrite.operations.models import KIND, Directives, WriteRequest
from fleetwrite.records.schedule_models import PULL
from fleetwrite.sandbox.seed import pull_records
from fleetwrite.settings import Settings
from fleetwrite.vault.keyfile import KeyFile

PENDING: Final = ResourceOperationStatusEnum.PENDING
SUCCESS: Final = ResourceOperationStatusEnum.SUCCESS
FAILED: Final = ResourceOperationStatusEnum.FAILED

LEASE: Final = timedelta(seconds=60)
NORTHWIND: Final = "5001"  # the first of the simulator's demonstration fleets
NO_LIMIT: Final = Limit(requests=100_000, per_seconds=1.0)
MOST_ROUNDS: Final = 60

_COUNTS: Final = """
    SELECT
        (SELECT count(*) FROM operations) AS operations,
        (SELECT count(*) FROM attempts) AS attempts,
        (SELECT count(*) FROM jobs WHERE kind = 'operation') AS jobs,
        (SELECT count(*) FROM events WHERE event_name LIKE 'resource_operation.%') AS events,
        (SELECT count(*) FROM reference_ledger) AS reference_ledger,
        (SELECT count(*) FROM operation_secrets) AS operation_secrets,
        (SELECT count(*) FROM records) AS records
"""

_JSON: Final = msgspec.json.Encoder(decimal_format="number")


def as_json(value: object) -> Any:
    """What a client reads where `value` is sent."""
    return msgspec.json.decode(_JSON.encode(value))


@dataclass(repr=False)  # it would fill screens of every failure
class World:
    """Everything a test of operations needs.

    Attributes:
        port: where the simulator listens.
        drivers, office_users, vehicles, trailers: our ids of what the simulator began with.
    """

    services: Services
    simulator: Simulator
    port: int
    partner_id: UUID
    connection: Connection
    drivers: Sequence[UUID]
    office_users: Sequence[UUID]
    vehicles: Sequence[UUID]
    trailers: Sequence[UUID]

    def request(
        self,
        resource: ResourceEnum,
        fields: Mapping[str, Any],
        record_id: UUID | None = None,
        *,
        is_sync: bool = False,
        partner_id: UUID | None = None,
        **directives: Any,
    ) -> WriteRequest:
        """What the API makes of a body with these fields. `record_id` makes it an update."""
        operation_type = ResourceOperationTypeEnum.CREATE if record_id is None else ResourceOperationTypeEnum.UPDATE
        document = _JSON.encode({"connection_id": self.connection.id, **fields})
        return WriteRequest(
            partner_id=partner_id or self.partner_id,
            resource=resource,
            operation_type=operation_type,
            record_id=record_id,
            body=msgspec.json.decode(document, type=WRITE_BODIES[resource, operation_type]),
            is_sync=is_sync,
            directives=Directives(**directives),
        )

    async def write(
        self, resource: ResourceEnum, fields: Mapping[str, Any], record_id: UUID | None = None, **how: Any
    ) -> ResourceOperation:
        """Write, and return the operation as the write endpoint answers it."""
        result = await self.services.operations.write(self.request(resource, fields, record_id, **how))
        return result.operation

    async def claim(self) -> list[Job]:
        """Claim what is due, as a worker does."""
        async with self.services.database.transaction() as connection:
            jobs = await claim(connection, KIND, 100, LEASE)
        async with self.services.database.transaction() as connection:
            return jobs + await claim_expired(connection, KIND, 100, LEASE)

    async def run(self, jobs: Sequence[Job]) -> None:
        """Attempt claimed jobs at once, and settle them."""
        handler = self.services.operation_handler
        async with self.services.database.acquire() as connection:
            work = await handler.load(connection, jobs)
        await asyncio.gather(*(handler.run(job, work[job.id]) for job in jobs))

    async def run_and_die(self, jobs: Sequence[Job]) -> None:
        """Attempt claimed jobs and settle none, as a worker that is killed meanwhile; their leases end."""
        handler = self.services.operation_handler
        async with self.services.database.acquire() as connection:
            work = await handler.load(connection, jobs)
        await asyncio.gather(*(handler._executor.attempt(job, work[job.id]) for job in jobs))
        await self.shift(LEASE + timedelta(seconds=1))

    async def run_due(self) -> int:
        """Make one attempt at all that is due; returns how many there were."""
        jobs = await self.claim()
        await self.run(jobs)
        return len(jobs)

    async def run_next(self) -> None:
        """Move the clock to what is due next, and make one attempt at it."""
        for _ in range(MOST_ROUNDS):
            if await self.run_due() or not await self.skip_to_next():
                return
        raise AssertionError(f"Nothing gets due: {await self.waiting()}")

    async def work_off(self) -> None:
        """Attempt what waits until nothing does, and probe meanwhile. Nobody waits: the clock is moved to what is due
        next.
        """
        for _ in range(MOST_ROUNDS):
            if not await self.run_due() and not await self.probe() and not await self.skip_to_next():
                return
        raise AssertionError(f"Work is left after {MOST_ROUNDS} rounds: {await self.waiting()}")

    async def deliver(
        self, resource: ResourceEnum, fields: Mapping[str, Any], record_id: UUID | None = None, **how: Any
    ) -> ResourceOperationRead:
        """Write, work off what waits, and return the operation as it ended."""
        operation = await self.write(resource, fields, record_id, **how)
        await self.work_off()
        return await self.operation(operation.id)

    async def skip_to_next(self) -> bool:
        """Move the clock to the instant at which a lane or a probe is due or a job expires; False: there is none."""
        wait = await self.services.database.pool.fetchval(
            """
            SELECT GREATEST(interval '0', LEAST(
                (SELECT min(due_at) FROM lanes WHERE NOT held AND kind = $1 AND due_at < 'infinity'),
                (SELECT min(expires_at) FROM jobs WHERE kind = $1),
                (SELECT min(probe_at) FROM logins), (SELECT min(probe_at) FROM breakers)) - fleetwrite_now())
            WHERE EXISTS (SELECT FROM jobs WHERE kind = $1)
            """,
            KIND,
        )
        if wait is not None:
            await self.shift(wait)
        return wait is not None

    async def shift(self, by: timedelta) -> None:
        """Move the clock that decides everything."""
        await self.services.database.pool.execute("UPDATE clock_shift SET shift = shift + $1", by)

    async def pull(self) -> None:
        """Pull all records, and wait for it."""
        await pull_records(self.services, self.connection)

    async def claim_pulls(self) -> list[Job]:
        """Claim the pulls that are due, as a worker does."""
        async with self.services.database.transaction() as connection:
            return await claim(connection, PULL, 100, LEASE)

    async def run_pulls(self, jobs: Sequence[Job]) -> None:
        """Run claimed pulls for as long as one claim may."""
        handler = self.services.pull_handler
        async with self.services.database.acquire() as connection:
            work = await handler.load(connection, jobs)
        await asyncio.gather(*(handler.run(job, work[job.id]) for job in jobs))

    async def operation(self, operation_id: UUID) -> ResourceOperationRead:
        return await self.services.operations.get(self.partner_id, self.connection.id, operation_id)

    async def waiting(self) -> list[dict[str, Any]]:
        rows = await self.services.database.pool.fetch("SELECT * FROM jobs WHERE kind = $1 ORDER BY position", KIND)
        return [dict(row) for row in rows]

    async def rows(self) -> dict[str, int]:
        """How many rows there are of everything that a write may leave behind."""
        row = await self.services.database.pool.fetchrow(_COUNTS)
        assert row is not None
        return dict(row)

    async def events(self, operation_id: UUID) -> list[tuple[str, dict[str, Any]]]:
        """The events of an operation, oldest first: name and data."""
        rows = await self.services.database.pool.fetch(
            "SELECT event_name, data FROM events WHERE data ->> 'id' = $1 ORDER BY id", str(operation_id)
        )
        return [(row["event_name"], row["data"]) for row in rows]

    async def set_status(self, status: ConnectionStatusEnum) -> None:
        async with self.services.database.transaction() as connection:
            await self.services.connections.set_status(connection, self.connection.id, status)

    async def another_connection(self) -> UUID:
        """A connection of the same partner to another fleet, without records, and with nobody at its other end."""
        agreement = await self.services.orgs.ensure_shared_fleet(self.partner_id, "fleet-2", "Bluebird Logistics")
        for connection in await self.services.connections.of_fleet(agreement.fleet_id):
            return connection.id
        made = await self.services.connections.create(
            fleet_id=agreement.fleet_id,
            tsp_slug="samsara",
            credentials={"token": "other"},
            settings={"base_url": "http://127.0.0.1:9"},
        )
        return made.id

    def fault(self, method: str, path: str, kind: Any, **details: Any) -> None:
        """Let the simulator go wrong at the next call of this kind."""
        self.simulator.faults.add(Fault(method=method, path=path, kind=kind, **details))

    def held(self, collection: str, **fields: Any) -> list[dict[str, Any]]:
        """The simulator's records of a collection that have these fields."""
        records = self.simulator.records(NORTHWIND, collection)
        return [record for record in records if fields.items() <= record.items()]

    def calls(self, since: int = 0) -> list[tuple[str, str, int]]:
        """The simulator's log: method, path, status."""
        entries = [msgspec.json.decode(entry) for page in self.simulator.storage.log_pages(since) for entry in page]
        return [(entry["method"], entry["path"], entry["status"]) for entry in entries]

    async def probe(self) -> int:
        """Probe what is due, as a worker does; returns how many probes that were."""
        return await self.services.prober.probe_due()

    async def forget_outages(self) -> None:
        """Let nothing be parked or shut."""
        async with self.services.database.transaction() as connection:
            await connection.execute("DELETE FROM breakers")
            await self.services.dispatch.reopen_owners(connection, [self.connection.id])
        await self.set_status(ConnectionStatusEnum.ACTIVE)

    async def restart_simulator(self) -> None:
        """Let a stopped simulator listen where it did."""
        await self.simulator.start(port=self.port)


@asynccontextmanager
async def opened_world(
    database_url: str, folder: Path, simulator: Simulator | None = None, *, slug: str = "samsara", **settings: Any
) -> AsyncIterator[World]:
    """Start a simulator, build services on `database_url`, connect them, and pull the records."""
    KeyFile.create(folder / "vault.key")
    simulator = simulator or SamsaraSimulator(folder)
    url = await simulator.start()
    simulator.replace_limits(NO_LIMIT)
    loaded = Settings.load(
        {},
        database_url=database_url,
        vault_key_file=str(folder / "vault.key"),
        outbound_allow_http=True,
        outbound_allowed_networks=("127.0.0.0/8",),
        **settings,
    )
    try:
        async with open_services(loaded, name="tests") as services:
            yield await _connected(services, simulator, url, slug)
    finally:
        await simulator.stop()


async def _connected(services: Services, simulator: Simulator, url: str, slug: str) -> World:
    partner = await services.orgs.ensure_partner("Acme", "acme")
    agreement = await services.orgs.ensure_shared_fleet(partner.id, "fleet-1", "Northwind Haulage")
    account = simulator.demo_accounts()[0]
    connection = await services.connections.create(
        fleet_id=agreement.fleet_id,
        tsp_slug=slug,
        credentials=account.credentials,
        settings={**account.settings, "base_url": url},
    )
    # Pacing has tests of its own: here it would only take time.
    await services.connection_budgets.replace(partner.id, connection.id, [])
    await pull_records(services, connection)
    rows = await services.database.pool.fetch(
        "SELECT id, resource, attributes -> 'is_driver' AS is_driver FROM records ORDER BY source_id"
    )
    users = [(row["id"], row["is_driver"]) for row in rows if row["resource"] == ResourceEnum.USER]
    return World(
        services=services,
        simulator=simulator,
        port=int(url.rpartition(":")[2]),
        partner_id=partner.id,
        connection=connection,
        drivers=[user_id for user_id, is_driver in users if is_driver],
        office_users=[user_id for user_id, is_driver in users if not is_driver],
        vehicles=[row["id"] for row in rows if row["resource"] == ResourceEnum.VEHICLE],
        trailers=[row["id"] for row in rows if row["resource"] == ResourceEnum.TRAILER],
    )
