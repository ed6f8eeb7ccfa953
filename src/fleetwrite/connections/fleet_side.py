"""Connections as the fleets steer them whose accounts they are: whatever is shared with whom, and whether it is now."""

from collections.abc import Collection
from uuid import UUID

from fleetwrite.audit import trail
from fleetwrite.audit.models import Actor, Deed
from fleetwrite.connections import store
from fleetwrite.connections.errors import ConnectionNotFoundError
from fleetwrite.connections.models import Connection, VerifiedLogin
from fleetwrite.connections.service import ConnectionService
from fleetwrite.kit.database import Database


class FleetConnections:
    """What a fleet may do with its connections. Those of others do not exist for it."""

    def __init__(self, database: Database, connections: ConnectionService) -> None:
        self._database = database
        self._connections = connections

    async def get(self, fleet_ids: Collection[UUID], connection_id: UUID) -> Connection:
        """The connection of this id.

        Raises:
            ConnectionNotFoundError: none of these fleets has it, or it is gone.
        """
        async with self._database.acquire() as connection:
            for fleet_id in fleet_ids:
                for found in await store.of_fleet(connection, fleet_id):
                    if found.id == connection_id:
                        return found
        raise ConnectionNotFoundError(connection_id)

    async def log_in_by(
        self, fleet_ids: Collection[UUID], connection_id: UUID, login: VerifiedLogin, *, actor: Actor
    ) -> None:
        """Let a connection log in otherwise. A stale one sends again.

        Raises:
            ConnectionNotFoundError: as with `get`.
            OtherAccountError: the login does not lead to the account that the connection is for.
        """
        found = await self.get(fleet_ids, connection_id)
        async with self._database.transaction() as connection:
            await self._connections.log_in_by(connection, found, login)
            await trail.append(connection, actor, Deed.CONNECTION_CHANGED, connection_id, {"credentials": True})

    async def delete(self, fleet_ids: Collection[UUID], connection_id: UUID, *, actor: Actor) -> None:
        """Delete a connection, and destroy what opens its account. What waits there is held, and left to the caller.

        Raises:
            ConnectionNotFoundError: as with `get`.
        """
        await self.get(fleet_ids, connection_id)
        async with self._database.transaction() as connection:
            await self._connections.destroy(connection, connection_id, actor)
