"""Erases fleets: stops all that is theirs, then removes what is kept of them.

Every step can be done again, and begins with what is left to do. So whoever is killed loses nothing, and any number of
processes may work on one erasure.
"""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from fleetwrite.audit import trail
from fleetwrite.audit.models import FLEETWRITE, Actor, Deed
from fleetwrite.connections.errors import ConnectionNotFoundError
from fleetwrite.connections.service import ConnectionService
from fleetwrite.fleet_data import removal_store, store
from fleetwrite.fleet_data.errors import NotErasedError, UnknownFleetIdError
from fleetwrite.fleet_data.models import Erasure
from fleetwrite.fleet_data.places import PLACES, Fate, with_fate
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.repeating import repeat, safely
from fleetwrite.kit.retention import BATCH, PAUSE_S
from fleetwrite.operations.disconnecting import Disconnector
from fleetwrite.orgs.agreements import AgreementService
from fleetwrite.orgs.errors import AgreementNotFoundError, InvitationNotFoundError, InvitationStateError
from fleetwrite.orgs.invitations import InvitationService
from fleetwrite.orgs.models import OPERATOR

log = structlog.get_logger(__name__)

EVERY_S: Final = 5.0
"""Between two looks of a worker at what is to be erased."""

SELDOM: Final = timedelta(minutes=5)
"""How often it looks at what waits for partners to be told, which takes a day at least."""

UNTIL_ENDED_S: Final = 1.0
"""Between two looks at work that is under way."""

NOTICES_STAY: Final = timedelta(days=1)
"""How long those who follow the stream of events have to hear of the end. Webhooks have their own time."""

Progress = Callable[[Erasure], None]


class FleetErasure:
    """Erases fleets."""

    def __init__(
        self,
        database: Database,
        agreements: AgreementService,
        invitations: InvitationService,
        connections: ConnectionService,
        disconnector: Disconnector,
    ) -> None:
        self._database = database
        self._agreements = agreements
        self._invitations = invitations
        self._connections = connections
        self._disconnector = disconnector

    async def count(self, fleet_id: UUID) -> dict[str, int]:
        """How many rows of each table would go with a fleet.

        Raises:
            UnknownFleetIdError: there is no such fleet.
        """
        async with self._database.acquire() as connection:
            if not await store.exists(connection, fleet_id):
                raise UnknownFleetIdError(fleet_id)
            return await store.count(connection, fleet_id, (one for one in PLACES if one.fate is not Fate.STAYS))

    async def get(self, fleet_id: UUID) -> Erasure:
        """How far the erasure of a fleet has come.

        Raises:
            NotErasedError: nobody asked for it.
        """
        async with self._database.acquire() as connection:
            found = await store.get(connection, fleet_id)
        if found is None:
            raise NotErasedError(fleet_id)
        return found

    async def begin(self, fleet_id: UUID, *, actor: Actor = FLEETWRITE) -> Erasure:
        """Have a fleet erased. From here on nobody sees or writes anything of it; the workers do the rest.

        Asking again changes nothing.

        Raises:
            UnknownFleetIdError: there is no such fleet, and never was one that was erased.
        """
        async with self._database.transaction() as connection:
            if await store.begin(connection, fleet_id):
                await trail.append(connection, actor, Deed.FLEET_ERASURE_BEGUN, fleet_id)
        try:
            begun = await self.get(fleet_id)
        except NotErasedError as error:
            raise UnknownFleetIdError(fleet_id) from error
        if begun.erased_at is None:
            await self._stop_sharing(fleet_id, actor)
        return begun

    async def finish(self, fleet_id: UUID, progress: Progress, *, actor: Actor = FLEETWRITE) -> Erasure:
        """Go on with an erasure that was begun, until nothing is left but what partners are still to be told.

        Raises:
            NotErasedError: it was not begun.
        """
        while True:
            erasure = await self.go_on(fleet_id, actor=actor)
            if erasure.erased_at is not None:
                return erasure
            progress(erasure)
            await asyncio.sleep(UNTIL_ENDED_S)

    async def go_on(self, fleet_id: UUID, *, actor: Actor = FLEETWRITE, stop: asyncio.Event | None = None) -> Erasure:
        """Do what can be done now, or before `stop` is set, for an erasure that was begun.

        Raises:
            NotErasedError: it was not begun.
        """
        stop = stop or asyncio.Event()
        before = await self.get(fleet_id)
        if before.completed_at is not None:
            return before
        async with self._database.transaction() as connection:
            await store.note_look(connection, fleet_id)
        await self._stop_sharing(fleet_id, actor)
        await self._disconnect(fleet_id, actor)
        if (await self.get(fleet_id)).under_way:
            return await self.get(fleet_id)
        await self._remove_all(fleet_id, stop)
        if not stop.is_set():
            await self._conclude(fleet_id, actor)
        return await self.get(fleet_id)

    async def run(self, stop: asyncio.Event) -> None:
        """Go on with all erasures until `stop` is set."""
        await repeat(lambda: self.sweep(stop), EVERY_S, stop, name="erasing")

    async def sweep(self, stop: asyncio.Event | None = None) -> None:
        """Go on with those erasures for which there may be something to do."""
        async with self._database.acquire() as connection:
            fleet_ids = await store.to_go_on(connection, SELDOM)
        for fleet_id in fleet_ids:
            # One that fails must not keep the others from their end.
            await safely(self.go_on(fleet_id, stop=stop), name="erasing")

    async def _stop_sharing(self, fleet_id: UUID, actor: Actor) -> None:
        """Shut partners out, which tells them; nobody can accept anything for the fleet any more."""
        async with self._database.acquire() as connection:
            agreements = await removal_store.open_agreements(connection, fleet_id)
            invitations = await removal_store.open_invitations(connection, fleet_id)
        for agreement_id in agreements:
            with contextlib.suppress(AgreementNotFoundError):  # somebody else was faster, here and below
                await self._agreements.delete(OPERATOR, agreement_id, by=actor)
        for invitation_id, partner_id in invitations:
            with contextlib.suppress(InvitationNotFoundError, InvitationStateError):
                await self._invitations.delete(invitation_id, partner_id, actor=actor)

    async def _disconnect(self, fleet_id: UUID, actor: Actor) -> None:
        """Destroy keys, revoke them at providers, end what waits; what is under way ends by itself."""
        async with self._database.transaction() as connection:
            await removal_store.end_cancelled(connection, fleet_id)
        for connected in await self._connections.of_fleet(fleet_id):
            with contextlib.suppress(ConnectionNotFoundError):
                await self._disconnector.disconnect_own([fleet_id], connected.id, actor=actor)
        await self._disconnector.sweep()

    async def _remove_all(self, fleet_id: UUID, stop: asyncio.Event) -> None:
        async with self._database.transaction() as connection:
            await removal_store.attribute(connection, fleet_id)
        for place in with_fate(Fate.DELETED):
            await self._in_batches(
                fleet_id,
                functools.partial(removal_store.remove, place=place, fleet_id=fleet_id, most=BATCH),
                stop,
            )
        await self._in_batches(
            fleet_id,
            functools.partial(removal_store.remove_told, fleet_id=fleet_id, stay=NOTICES_STAY, most=BATCH),
            stop,
        )
        async with self._database.transaction() as connection:
            await removal_store.empty(connection, fleet_id)

    async def _in_batches(
        self, fleet_id: UUID, remove: Callable[[Connection], Awaitable[dict[str, int]]], stop: asyncio.Event
    ) -> None:
        while not stop.is_set():
            async with self._database.transaction() as connection:
                removed = await remove(connection)
                if removed:
                    await store.note_removed(connection, fleet_id, removed)
            if not removed:
                return
            await asyncio.sleep(PAUSE_S)

    async def _conclude(self, fleet_id: UUID, actor: Actor) -> None:
        """Write down how far the erasure has come."""
        async with self._database.transaction() as connection:
            for place in with_fate(Fate.DELETED):
                if await removal_store.has_rows(connection, place, fleet_id):
                    return  # somebody held a row; the next look finds it
            removed = await store.mark_erased(connection, fleet_id)
            if removed is not None:
                await trail.append(connection, actor, Deed.FLEET_ERASED, fleet_id, {"removed": removed})
                log.info("erasing.erased", fleet_id=str(fleet_id), **removed)
        async with self._database.transaction() as connection:
            last = await removal_store.remove_last(connection, fleet_id)
            if last is None:
                return
            if last:
                await store.note_removed(connection, fleet_id, last)
            removed = await store.mark_completed(connection, fleet_id)
            if removed is not None:
                await trail.append(connection, actor, Deed.FLEET_ERASURE_COMPLETED, fleet_id, {"removed": removed})
                log.info("erasing.completed", fleet_id=str(fleet_id))
