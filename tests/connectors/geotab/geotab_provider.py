"""The simulator with the demonstration fleets, and the connector's sessions at it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from fleetwrite.connectors.geotab.connector import CONNECTOR
from fleetwrite.connectors.geotab.endpoints import PATH
from fleetwrite.connectors.geotab.simulator import GeotabSimulator
from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.connectors.sdk.outcome import Finding
from fleetwrite.connectors.sdk.suite.session import Control, DirectSession
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.connectors.sdk.write import SourceReference, Write
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.url_policy import UrlPolicy

OPERATION_ID = UUID("0198c0de-0000-7000-8000-000000000001")
OTHER_OPERATION_ID = UUID("0198c0de-0000-7000-8000-000000000002")
# Bodies carry ids of ours, which a connector never looks at: it uses the references beside them.
ANY_ID = "0198c0de-0000-7000-8000-0000000000aa"

OFFICE_USER = SourceReference("b2", {"is_driver": False, "username": "ines.vogel@northwind-haulage.example"})
DRIVER = SourceReference("b4", {"is_driver": True, "username": "ana.ruiz@northwind-haulage.example"})
DRIVER_ON_HOLIDAY = SourceReference("b9", {"is_driver": True})
VEHICLE = SourceReference("b1", {"eld_serial_number": "G91000000001"})
TRAILER = SourceReference("b7", {})

_TARGETS = {ResourceEnum.VEHICLE: VEHICLE, ResourceEnum.TRAILER: TRAILER, ResourceEnum.USER: DRIVER}
_REFERENCES = {
    "sender_id": OFFICE_USER,
    "recipient_id": DRIVER,
    "driver_id": DRIVER,
    "co_driver_id": DRIVER_ON_HOLIDAY,
    "vehicle_id": VEHICLE,
    "trailer_id": TRAILER,
    "reply_to_message_id": SourceReference("b1", {}),
}


def create(resource: ResourceEnum, fields: dict[str, Any], **changes: Any) -> Write:
    """A create with these body fields; `changes` replace attributes of the write."""
    return _write(resource, ResourceOperationTypeEnum.CREATE, fields, changes)


def update(resource: ResourceEnum, fields: dict[str, Any], **changes: Any) -> Write:
    """An update with these body fields; `changes` replace attributes of the write."""
    return _write(resource, ResourceOperationTypeEnum.UPDATE, fields, {"target": _TARGETS[resource], **changes})


def _write(
    resource: ResourceEnum, operation_type: ResourceOperationTypeEnum, fields: dict[str, Any], changes: dict[str, Any]
) -> Write:
    body = msgspec.json.decode(
        msgspec.json.encode({"connection_id": ANY_ID, **fields}), type=WRITE_BODIES[resource, operation_type]
    )
    arguments = {
        "operation_id": OPERATION_ID,
        "resource": resource,
        "operation_type": operation_type,
        "body": body,
        "references": {name: of for name, of in _REFERENCES.items() if fields.get(name) is not None},
        **changes,
    }
    return Write(**arguments)


@dataclass
class Provider:
    """The simulator, by its control API, and by sessions of the connector."""

    egress: Egress
    simulator: GeotabSimulator
    control: Control
    url: str

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, **options: Any) -> AsyncIterator["Provider"]:
        """Start a simulator."""
        simulator = GeotabSimulator(folder, **options)
        url = await simulator.start()
        try:
            policy = UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
            async with Egress(policy) as egress:
                yield cls(egress, simulator, Control(egress, url), url)
        finally:
            await simulator.stop()

    def session(self, **credentials: str) -> DirectSession:
        """A session that nobody has logged in to; of the first fleet's gateway, where nothing else is said."""
        own = {**self.simulator.demo_accounts()[0].credentials, **credentials}
        return DirectSession(self.egress, CONNECTOR, Login(base_url=self.url, credentials=own))

    def records(self, collection: str) -> dict[str, dict[str, Any]]:
        """What the first fleet has at the provider, by id."""
        database = self.simulator.organization_ids[0]
        return {record["id"]: record for record in self.simulator.records(database, collection)}

    async def operations(self) -> list[str]:
        """What was called, in order."""
        return [request["operation"] for request in await self.control.requests()]

    async def fault(self, operation: str, kind: str, **how: Any) -> None:
        """Let a fault hit the next call of an operation."""
        await self.control.add_fault({"path": PATH, "operation": operation, "kind": kind, **how})

    async def look_up(self, write: Write, begun_ago: timedelta = timedelta(seconds=30)) -> Finding:
        """What the connector finds of a write."""
        return await CONNECTOR.look_up(write, CONNECTOR.translate(write).call, self.session(), begun_ago)

    async def listed(self, resource: ResourceEnum) -> dict[str, SourceRecord]:
        """The records that the connector lists, by id."""
        pages = CONNECTOR.list_records(resource, self.session())
        return {record.source_id: record async for page in pages for record in page.records}
