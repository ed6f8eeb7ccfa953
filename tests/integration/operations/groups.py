"""Group messages at a simulated Traccar, and what became of them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from fleetwrite.connectors.sdk.simulator.server import Simulator
from fleetwrite.connectors.traccar.simulator import SIMULATOR, Fleet
from fleetwrite.operations.models import PartState
from integration.operations.world import World


def traccar(folder: Path, drivers: int, *, without_device: int = 0) -> Simulator:
    """A server with drivers, each reported by a device; of the last ones, nobody reports any."""
    people = tuple({"name": f"Driver {number:03}", "uniqueId": f"K{number:03}"} for number in range(drivers))
    devices = tuple(
        {
            "name": f"Unit {number}",
            "uniqueId": str(number),
            "protocol": "huabao",
            "online": True,
            "driver": f"K{number:03}",
        }
        for number in range(drivers - without_device)
    )
    return SIMULATOR(
        folder, [Fleet(id="9", name="Test Haulage", token="traccar_test", drivers=people, devices=devices)]
    )


def message(world: World, recipients: Sequence[UUID], text: str = "Dock 4") -> dict[str, Any]:
    return {"sender_id": world.drivers[0], "recipient_ids": list(recipients), "message_text": text}


async def people(world: World) -> tuple[list[UUID], UUID]:
    """Those who can be reached, and the one who can not."""
    rows = await world.services.database.pool.fetch(
        "SELECT id FROM records WHERE resource = 'user' ORDER BY attributes ->> 'last_name', source_id::int"
    )
    ids = [row["id"] for row in rows]
    return ids[:-1], ids[-1]


def reached(world: World) -> Counter[int]:
    """How many messages each device got."""
    return Counter(command["deviceId"] for command in world.simulator.records("9", "commands"))


async def states(world: World, operation_id: UUID) -> Counter[PartState]:
    detail = await world.services.control.detail(world.partner_id, operation_id)
    return Counter(part.state for part in detail.recipients)
