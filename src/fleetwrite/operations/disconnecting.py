"""Deletes connections, and brings to an end what was still to be written through them."""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from fleetwrite.audit.models import FLEETWRITE, Actor
from fleetwrite.connections import store as connections_store
from fleetwrite.connections.fleet_side import FleetConnections
from fleetwrite.connections.models import Account
from fleetwrite.connections.service import ConnectionService
from fleetwrite.contract.telematics import ResourceOperation
from fleetwrite.dispatch.models import Job
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.repeating import repeat
from fleetwrite.kit.tenancy import acting_as_system
from fleetwrite.operations import part_store, store
from fleetwrite.operations.conclusion import called_off, given_up
from fleetwrite.operations.metrics import observe
from fleetwrite.operations.models import KIND, Settlement
from fleetwrite.operations.revoking import Revoker
from fleetwrite.operations.settle import Settler
from fleetwrite.operations.store import Stored

POLL_S: Final = 1.0
"""How late an attempt that was under way when its connection was deleted may get its end."""

BATCH: Final = 200
"""Operations ended in one transaction: a fraction of a second's work, in which the owner is locked."""

_NONE_COMES_AFTER: Final = timedelta(minutes=10)
"""A write that was let in just before the deletion is stored within seconds, or not at all."""

_DELETED: Final = "the connection was deleted"


class Disconnector:
    """Ends what is left of deleted connections: at once what waits, and what is under way as soon as it reports."""

    def __init__(
        self,
        database: Database,
        connections: ConnectionService,
        fleet_connections: FleetConnections,
        revoker: Revoker,
        dispatch: Dispatch,
        settler: Settler,
    ) -> None:
        self._database = database
        self._connections = connections
        self._fleet_connections = fleet_connections
        self._revoker = revoker
        self._dispatch = dispatch
        self._settler = settler

    async def disconnect(self, partner_id: UUID, connection_id: UUID, *, actor: Actor = FLEETWRITE) -> None:
        """Delete a connection, and end what waits there. From here on nothing can be sent through it.

        Raises:
            ConnectionNotFoundError: there is none that the partner may use.
        """
        account = await self._account(connection_id)
        await self._connections.delete(partner_id, connection_id, actor=actor)
        # As the system: everybody's writes wait there.
        with acting_as_system():
            await self._end(connection_id, account)

    async def disconnect_own(self, fleet_ids: Collection[UUID], connection_id: UUID, *, actor: Actor) -> None:
        """The same for the fleet itself, whatever it shares with whom.

        Raises:
            ConnectionNotFoundError: none of these fleets has it, or it is gone.
        """
        account = await self._account(connection_id)
        await self._fleet_connections.delete(fleet_ids, connection_id, actor=actor)
        await self._end(connection_id, account)

    async def run(self, stop: asyncio.Event) -> None:
        """End what is left of deleted connections until `stop` is set."""
        await repeat(self.sweep, POLL_S, stop, name="disconnecting")

    async def sweep(self) -> int:
        """End what nobody works on any more; returns how many operations that were."""
        async with self._database.acquire() as connection:
            connection_ids = await connections_store.to_empty(connection, _NONE_COMES_AFTER)
        ended = 0
        for connection_id in connection_ids:
            ended += await self._end_all(connection_id)
            async with self._database.transaction() as connection:
                await self._give_up_lanes(connection, connection_id)
        return ended

    async def _account(self, connection_id: UUID) -> Account | None:
        """The account as it can be logged in to until the deletion: the provider is told only after that."""
        # As the system: no partner reads what opens an account.
        with acting_as_system():
            async with self._database.acquire() as connection:
                return (await self._connections.open_accounts(connection, [connection_id])).get(connection_id)

    async def _end(self, connection_id: UUID, account: Account | None) -> None:
        await self._end_all(connection_id)
        if account is not None:
            await self._revoker.revoke(account)

    async def _end_all(self, connection_id: UUID) -> int:
        ended = 0
        while True:
            async with self._database.transaction() as connection:
                settlements = await self._seize(connection, connection_id)
                answers = await self._settler.store(connection, settlements) if settlements else []
            for settlement, answer in zip(settlements, answers, strict=True):
                if isinstance(answer, ResourceOperation):
                    observe(settlement, answer)
                    ended += 1
            if len(settlements) < BATCH:
                return ended

    async def _seize(self, connection: Connection, connection_id: UUID) -> list[Settlement]:
        """What is to be stored of operations that nobody works on."""
        jobs = await self._dispatch.seize_left(connection, connection_id, KIND, BATCH)
        ids = [job.id for job in jobs]
        stored = {one.operation.id: one for one in await store.select_stored(connection, ids)}
        reached = await part_store.count_done(connection, ids)
        return [_ending(job, stored[job.id], reached.get(job.id, 0)) for job in jobs]

    async def _give_up_lanes(self, connection: Connection, connection_id: UUID) -> None:
        """Forget the lanes of a connection that has no work, once none can come any more."""
        if await self._dispatch.count_waiting(connection_id, KIND):
            return
        if await connections_store.mark_emptied(connection, connection_id, _NONE_COMES_AFTER):
            await self._dispatch.remove_owner(connection, connection_id)


def _ending(job: Job, stored: Stored, reached: int) -> Settlement:
    if stored.made is not None:
        return given_up(job, stored.operation, f"{stored.made} was made, and could not be completed: {_DELETED}")
    if job.uncertain:
        return given_up(job, stored.operation, f"{_DELETED} before anybody could find out whether it was written")
    return called_off(job, stored.operation, f"{_DELETED} before it was sent", reached)
