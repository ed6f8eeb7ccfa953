"""Connects fleets to providers, and lets connections log in otherwise: what is new is tried at the provider first."""

from uuid import UUID

from fleetwrite.connections.models import Connection, Entered, VerifiedLogin
from fleetwrite.connections.service import ConnectionService
from fleetwrite.operations.login_check import LoginChecker


class Connecting:
    """Makes connections of which the provider knows the login."""

    def __init__(self, connections: ConnectionService, checker: LoginChecker) -> None:
        self._connections = connections
        self._checker = checker

    async def connect(
        self, *, fleet_id: UUID, tsp_slug: str, entered: Entered, description: str | None = None
    ) -> Connection:
        """Connect a fleet to the account that these credentials lead to.

        Raises:
            UnknownTspError: no connector has this slug.
            BadConnectionFieldsError: what was entered is not what the connector asks for, or leads where nobody may.
            LoginNotAcceptedError: the provider refuses the credentials.
            LoginNotCheckedError: it could not be asked.
            UnknownFleetError: there is no such fleet.
        """
        login = await self._checker.check(self._connections.draft(tsp_slug, entered))
        return await self._connections.create(
            fleet_id=fleet_id,
            tsp_slug=tsp_slug,
            credentials=login.credentials,
            settings=login.settings,
            description=description,
            account_id=login.account_id,
            session=login.session,
        )

    async def verify(self, connection: Connection, entered: Entered) -> VerifiedLogin:
        """Credentials that are to take the place of a connection's, tried. Raises what `connect` raises."""
        return await self._checker.check(self._connections.draft(connection.tsp_slug, entered, connection))
