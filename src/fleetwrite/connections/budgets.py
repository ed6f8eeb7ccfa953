"""The limits of connections."""

from collections.abc import Sequence
from uuid import UUID

from fleetwrite.audit import trail
from fleetwrite.audit.models import FLEETWRITE, Actor, Deed
from fleetwrite.connections import store
from fleetwrite.connections.service import ConnectionService
from fleetwrite.connections.usual_budgets import UsualBudgets
from fleetwrite.dispatch.models import BudgetLimit
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit import database
from fleetwrite.kit.tenancy import acting_as_system


class ConnectionBudgets:
    """The limits that hold for each connection: the usual ones, or those that somebody chose."""

    def __init__(
        self, database: database.Database, connections: ConnectionService, dispatch: Dispatch, usual: UsualBudgets
    ) -> None:
        self._database = database
        self._connections = connections
        self._dispatch = dispatch
        self._usual = usual

    async def get(self, partner_id: UUID, connection_id: UUID) -> list[BudgetLimit]:
        """The limits in force for a connection.

        Raises:
            ConnectionNotFoundError, NotSharedError: as with `ConnectionService.get`.
        """
        await self._connections.get(partner_id, connection_id)
        # As the system: they are the account's, whoever else uses it.
        with acting_as_system():
            async with self._database.acquire() as connection:
                return await self._dispatch.budgets(connection, connection_id)

    async def replace(
        self, partner_id: UUID, connection_id: UUID, limits: Sequence[BudgetLimit], *, actor: Actor = FLEETWRITE
    ) -> list[BudgetLimit]:
        """Set all limits of a connection anew and return them; a scope that is not named has no limit any more.

        Those that are not the usual ones count as chosen: they stay when the usual ones change.

        Raises:
            ConnectionNotFoundError, NotSharedError: as with `ConnectionService.get`.
            UnknownScopeError: no call of the connection's provider has this scope.
        """
        slug = (await self._connections.get(partner_id, connection_id)).tsp_slug
        async with self._database.transaction() as connection:
            async with database.as_system(connection):  # as in `get`
                await self._dispatch.replace_budgets(connection, connection_id, limits, self._usual[slug])
                replaced = await self._dispatch.budgets(connection, connection_id)
            await trail.append(
                connection, actor, Deed.CONNECTION_BUDGETS_REPLACED, connection_id, {"budgets": replaced}
            )
            return replaced

    async def renew(self) -> None:
        """Give all connections the limits that are usual now, where nobody chose others."""
        for slug, usual in self._usual.items():
            async with self._database.acquire() as connection:
                ids = await store.ids_of_tsp(connection, slug)
                outdated = await self._dispatch.with_outdated_budgets(connection, ids, usual)
            # One by one, so that no transaction holds the lanes of many.
            for connection_id in outdated:
                async with self._database.transaction() as connection:
                    await self._dispatch.renew_budgets(connection, connection_id, usual)
