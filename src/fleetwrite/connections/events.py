"""The events of connections, for each partner that shares the fleet when they happen."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from fleetwrite.connections import models
from fleetwrite.connections.outage_store import select_partners
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.enums import StatusEnum
from fleetwrite.contract.notifications import BaseConnectionEvent, BaseFleetConnectionEvent
from fleetwrite.contract.tsps import TspEnum
from fleetwrite.events.models import NewEvent
from fleetwrite.events.store import append
from fleetwrite.kit.database import Connection
from fleetwrite.kit.ids import derive_id, new_id

_LINK: Final = "fleet_connection"


async def tell_staled(connection: Connection, staled: Sequence[Any]) -> None:
    """`connection.staled` of connections that became so in this transaction: rows of `lock_connections`."""
    shares = await select_partners(connection, {row["fleet_id"] for row in staled})
    events = [
        _event(
            "connection.staled",
            share,
            _data(row["id"], row["fleet_id"], row["tsp_slug"], row["source_name"], StatusEnum.STALE),
        )
        for row in staled
        for share in shares
        if share["fleet_id"] == row["fleet_id"]
    ]
    await append(connection, events)


async def tell_created(connection: Connection, made: models.Connection) -> None:
    """`connection.created` and `fleet_connection.created` of a connection that was made in this transaction."""
    link = BaseFleetConnectionEvent(id=derive_id(made.id, _LINK), fleet_id=made.fleet_id, connection_id=made.id)
    events = [
        _event(name, share, data)
        for share in await select_partners(connection, {made.fleet_id})
        for name, data in (
            ("connection.created", _data(made.id, made.fleet_id, made.tsp_slug, made.source_name, StatusEnum.ACTIVE)),
            ("fleet_connection.created", link),
        )
    ]
    await append(connection, events)


def _data(
    connection_id: UUID, fleet_id: UUID, tsp_slug: str, source_name: str, status: StatusEnum
) -> BaseConnectionEvent:
    return BaseConnectionEvent(
        id=connection_id,
        source_name=TspEnum(source_name),
        fleet_id=fleet_id,
        tsp_id=tsp_id(tsp_slug),
        status=status,
    )


def _event(name: str, share: Any, data: BaseConnectionEvent | BaseFleetConnectionEvent) -> NewEvent:
    return NewEvent(
        id=new_id(),
        event_name=name,
        partner_id=share["partner_id"],
        fleet_id=share["fleet_id"],
        fleet_ref=share["fleet_ref"],
        data=data,
    )
