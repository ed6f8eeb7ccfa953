"""Stops connections and lets them go on."""

from uuid import UUID

from fleetwrite.audit import trail
from fleetwrite.audit.models import FLEETWRITE, Actor, Deed
from fleetwrite.connections import store
from fleetwrite.connections.holding import hold_or_release
from fleetwrite.connections.models import Connection
from fleetwrite.connections.service import ConnectionService
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.contract.enums import ConnectionStatusEnum
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit import database


class Steering:
    """Pauses, drains and resumes single connections for partners, and all of a provider for the operator."""

    def __init__(
        self, database: database.Database, connections: ConnectionService, registry: Registry, dispatch: Dispatch
    ) -> None:
        self._database = database
        self._connections = connections
        self._registry = registry
        self._dispatch = dispatch

    async def pause(self, partner_id: UUID, connection_id: UUID, *, actor: Actor = FLEETWRITE) -> Connection:
        """Send nothing more through a connection; go on accepting. What is under way is finished.

        Raises:
            ConnectionNotFoundError, NotSharedError: as with `ConnectionService.get`.
        """
        return await self._steer(
            partner_id, connection_id, ConnectionStatusEnum.PAUSED, actor=actor, deed=Deed.CONNECTION_PAUSED
        )

    async def resume(self, partner_id: UUID, connection_id: UUID, *, actor: Actor = FLEETWRITE) -> Connection:
        """Accept and send again, whatever had stopped the connection.

        Raises:
            ConnectionNotFoundError, NotSharedError: as with `ConnectionService.get`.
        """
        return await self._steer(
            partner_id,
            connection_id,
            ConnectionStatusEnum.ACTIVE,
            is_draining=False,
            actor=actor,
            deed=Deed.CONNECTION_RESUMED,
        )

    async def drain(self, partner_id: UUID, connection_id: UUID, *, actor: Actor = FLEETWRITE) -> Connection:
        """Accept nothing more on a connection, and send what waits there.

        Raises:
            ConnectionNotFoundError, NotSharedError: as with `ConnectionService.get`.
        """
        return await self._steer(
            partner_id, connection_id, None, is_draining=True, actor=actor, deed=Deed.CONNECTION_DRAINED
        )

    async def set_tsp_paused(self, slug: str, *, paused: bool, actor: Actor = FLEETWRITE) -> int:
        """Send nothing to a provider, or send again; returns how many connections that concerns.

        Raises:
            UnknownTspError: no connector has this slug.
        """
        self._registry.get(slug)
        async with self._database.transaction() as connection:
            await (store.pause_tsp if paused else store.resume_tsp)(connection, slug)
            await trail.append(connection, actor, Deed.TSP_PAUSED if paused else Deed.TSP_RESUMED, slug)
        # From here on connections that are made or change follow by themselves; now the others, one by one, so that no
        # transaction holds the lanes of many.
        async with self._database.acquire() as connection:
            ids = await store.ids_of_tsp(connection, slug)
        for connection_id in ids:
            async with self._database.transaction() as connection:
                await hold_or_release(self._dispatch, connection, connection_id)
        return len(ids)

    async def _steer(
        self,
        partner_id: UUID,
        connection_id: UUID,
        status: ConnectionStatusEnum | None,
        *,
        is_draining: bool | None = None,
        actor: Actor,
        deed: Deed,
    ) -> Connection:
        await self._connections.get(partner_id, connection_id)
        async with self._database.transaction() as connection:
            async with database.as_system(connection):  # as in `ConnectionService.change`
                if is_draining is not None:
                    await store.update_draining(connection, connection_id, is_draining=is_draining)
                if status is not None:
                    await self._connections.set_status(connection, connection_id, status)
            await trail.append(connection, actor, deed, connection_id)
        return await self._connections.get(partner_id, connection_id)
