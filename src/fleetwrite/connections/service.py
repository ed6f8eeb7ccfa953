"""Finds, makes and changes connections."""

from collections.abc import Collection, Mapping
from typing import Final, Protocol
from uuid import UUID

import asyncpg

from fleetwrite.audit import trail
from fleetwrite.audit.models import FLEETWRITE, Actor, Deed
from fleetwrite.connections import login_store, outage_store, store
from fleetwrite.connections.errors import (
    BadConnectionFieldsError,
    ConnectionNotFoundError,
    FieldFault,
    UnknownFleetError,
)
from fleetwrite.connections.events import tell_created
from fleetwrite.connections.fields import address_field, base_url, check_fields, host_of, mask
from fleetwrite.connections.holding import hold_or_release
from fleetwrite.connections.keeping import LoginKeeper
from fleetwrite.connections.models import (
    Account,
    Connection,
    Entered,
    NewConnection,
    Shared,
    TriedLogin,
    VerifiedLogin,
)
from fleetwrite.connections.usual_budgets import UsualBudgets
from fleetwrite.connectors.sdk.manifest import BASE_URL, Manifest
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.connectors.sdk.wire import Login, NewSession
from fleetwrite.contract.enums import ConnectionStatusEnum
from fleetwrite.contract.integrations import ConnectionRead
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit import database
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.egress_errors import ForbiddenUrlError
from fleetwrite.kit.group_read import GroupRead
from fleetwrite.kit.ids import derive_id, new_id
from fleetwrite.kit.keyset import Page, Window
from fleetwrite.kit.tenancy import acting_as_system
from fleetwrite.vault.service import Vault

ACCOUNTS: Final = UUID("6f1d6f0c-5f0a-4b43-9d0e-1f6f6b7c9b52")
"""Namespace of the ids under which accounts keep their budgets."""

LANE_KIND = "operation"
"""Of the work that connections are there for."""

_FOR_GOOD: Final = frozenset({ConnectionStatusEnum.DELETED, ConnectionStatusEnum.CANCELLED})


class Followers(Protocol):
    """What begins and ends with a connection, in the transaction in which that does."""

    async def connected(self, connection: database.Connection, connection_id: UUID, tsp_slug: str) -> None:
        """A connection was made, and dispatch knows it."""
        ...

    async def disconnected(self, connection: database.Connection, connection_id: UUID) -> None:
        """A connection is about to be gone for good; it is not locked yet."""
        ...


class ConnectionService:
    """Connections, for partners that see them through an agreement, and for those who carry out writes.

    What decides who may use a connection is read each time: an agreement that ends, ends at once.
    """

    def __init__(
        self,
        database: database.Database,
        vault: Vault,
        registry: Registry,
        dispatch: Dispatch,
        usual_budgets: UsualBudgets,
        followers: Followers,
        egress: Egress,
    ) -> None:
        self._database = database
        self._vault = vault
        self._registry = registry
        self._dispatch = dispatch
        self._usual_budgets = usual_budgets
        self._egress = egress
        self._followers = followers
        self._keeper = LoginKeeper(vault, registry)
        self._shared: GroupRead[tuple[UUID, UUID], Shared] = GroupRead(database, store.find_all_shared)

    async def get(self, partner_id: UUID, connection_id: UUID) -> Connection:
        """The connection of this id, by an indexed query that those who ask at the same time share.

        Raises:
            ConnectionNotFoundError: it is none of the partner's, or gone, or never was.
            NotSharedError: the agreement by which the partner knows it does not count now.
        """
        found = await self._shared.get((partner_id, connection_id))
        if found is None:
            raise ConnectionNotFoundError(connection_id)
        return found.require_counting()

    async def page(
        self,
        partner_id: UUID,
        window: Window,
        *,
        tsp_id: UUID | None = None,
        fleet_ids: Collection[UUID] | None = None,
        fleet_refs: Collection[str] | None = None,
    ) -> Page[Connection]:
        """A page of the partner's connections; each filter that is not None narrows it."""
        async with self._database.acquire() as connection:
            return await store.page_shared(
                connection,
                partner_id,
                window,
                tsp_slugs=None if tsp_id is None else self._slugs_of(tsp_id),
                fleet_ids=fleet_ids,
                fleet_refs=fleet_refs,
            )

    async def create(
        self,
        *,
        fleet_id: UUID,
        tsp_slug: str,
        credentials: Mapping[str, str],
        settings: Mapping[str, str],
        description: str | None = None,
        account_id: str | None = None,
        session: NewSession | None = None,
        actor: Actor = FLEETWRITE,
    ) -> Connection:
        """Connect a fleet to a provider: seal the login, and set up the budgets that are usual there.

        The login is taken on trust; `operations.connecting` tries it first. Connections that name the same `account_id`
        (`Connector.account_of`) share what limits hold for the account as a whole; one without is taken to have an
        account for itself. `session` is what logging in gave.

        Raises:
            UnknownTspError: no connector has this slug.
            BadConnectionFieldsError: credentials or settings are not what the connector asks for.
            UnknownFleetError: there is no such fleet.
        """
        manifest = self._registry.get(tsp_slug).manifest
        check_fields(manifest, credentials, settings)
        await self._check_address(manifest, settings)
        connection_id = new_id()
        new = NewConnection(
            id=connection_id,
            fleet_id=fleet_id,
            tsp_slug=tsp_slug,
            source_name=manifest.source_name,
            description=description,
            credentials_sealed=self._keeper.seal(connection_id, credentials),
            credentials_masked=mask(manifest, credentials, settings),
            settings=settings,
            account_id=account_id,
        )
        try:
            # As the system: all partners that the fleet shares with get the connection, and hear of it.
            with acting_as_system():
                made = await self._insert(new, session, actor)
        except asyncpg.ForeignKeyViolationError as error:
            raise UnknownFleetError(f"There is no fleet {fleet_id}: make it first.") from error
        return made

    async def _insert(self, new: NewConnection, session: NewSession | None, actor: Actor) -> Connection:
        async with self._database.transaction() as connection:
            made = await store.insert(connection, new)
            await self._dispatch.register_owner(
                connection,
                made.id,
                LANE_KIND,
                self._usual_budgets[new.tsp_slug],
                held=made.silence is not None,
                account_id=None if new.account_id is None else derive_id(ACCOUNTS, new.tsp_slug, new.account_id),
            )
            await self._followers.connected(connection, made.id, new.tsp_slug)
            if session is not None:
                await self._keeper.keep_session(connection, made.id, session)
            await tell_created(connection, made)
            told = {"fleet_id": new.fleet_id, "tsp_slug": new.tsp_slug}
            await trail.append(connection, actor, Deed.CONNECTION_CREATED, made.id, told)
        return made

    async def of_fleet(self, fleet_id: UUID) -> list[Connection]:
        """All connections of a fleet that are not gone, oldest first."""
        async with self._database.acquire() as connection:
            return await store.of_fleet(connection, fleet_id)

    async def slugs_shared(self, partner_id: UUID) -> dict[UUID, str]:
        """All connections that the partner may use: id -> the slug of its provider."""
        async with self._database.acquire() as connection:
            return await store.slugs_shared(connection, partner_id)

    async def open_accounts(
        self, connection: database.Connection, connection_ids: Collection[UUID]
    ) -> dict[UUID, Account]:
        """Accounts by connection id, by one query, whatever their status. Unknown ids are left out."""
        rows = await store.with_sealed_credentials(connection, connection_ids)
        return {
            found.id: Account(found, sealed, self._vault, self._registry, session) for found, sealed, session in rows
        }

    async def replace_settings(self, connection_id: UUID, settings: Mapping[str, str]) -> None:
        """Set all settings of a connection anew; attempts that start later use them.

        Raises:
            ConnectionNotFoundError: there is no such connection.
            BadConnectionFieldsError: they are not what the connector asks for.
        """
        async with self._database.transaction() as connection:
            accounts = await self.open_accounts(connection, [connection_id])
            if connection_id not in accounts:
                raise ConnectionNotFoundError(connection_id)
            account = accounts[connection_id]
            manifest = self._registry.get(account.connection.tsp_slug).manifest
            check_fields(manifest, account.credentials, settings)
            await self._check_address(manifest, settings)
            await store.update_settings(
                connection, connection_id, settings, mask(manifest, account.credentials, settings)
            )
            if host_of(base_url(manifest, settings)) != account.host:
                # What had shut it is no business of its any more.
                await self._dispatch.reopen_owners(connection, [connection_id])

    async def _check_address(self, manifest: Manifest, settings: Mapping[str, str]) -> None:
        """Say at once what each call would find: an address of the account's own that may not be called."""
        if address := settings.get(BASE_URL):
            try:
                await self._egress.check(address)
            except ForbiddenUrlError as error:
                fault = FieldFault(field=address_field(manifest), message=str(error))
                raise BadConnectionFieldsError([fault]) from error

    async def set_status(
        self, connection: database.Connection, connection_id: UUID, status: ConnectionStatusEnum
    ) -> None:
        """Change the status, in the caller's transaction: an active connection sends, any other one holds its work.

        Raises:
            ConnectionNotFoundError: there is none, or it is deleted or cancelled, which is for good.
        """
        if status in _FOR_GOOD:
            await self._followers.disconnected(connection, connection_id)
        before = await store.update_status(connection, connection_id, status)
        if before is None:
            raise ConnectionNotFoundError(connection_id)
        if status is ConnectionStatusEnum.ACTIVE:
            await outage_store.forget_refusal(connection, connection_id)
        else:
            await outage_store.forget_probes(connection, [connection_id])
        await hold_or_release(self._dispatch, connection, connection_id)
        if status is ConnectionStatusEnum.ACTIVE:
            await self._dispatch.lift_bars(connection, connection_id)

    def draft(self, tsp_slug: str, entered: Entered, connection: Connection | None = None) -> TriedLogin:
        """A login that is to be tried; nothing is stored. `connection`: for which; None: for a new one.

        Raises:
            UnknownTspError: no connector has this slug.
            BadConnectionFieldsError: what was entered is not what the connector asks for.
        """
        manifest = self._registry.get(tsp_slug).manifest
        settings = {**connection.settings, **entered.settings} if connection is not None else entered.settings
        check_fields(manifest, entered.credentials, settings)
        login = Login(base_url=base_url(manifest, settings), credentials=entered.credentials, settings=settings)
        return TriedLogin(id=new_id() if connection is None else connection.id, tsp_slug=tsp_slug, login=login)

    async def change(
        self,
        partner_id: UUID,
        connection_id: UUID,
        *,
        login: VerifiedLogin | None = None,
        description: str | None = None,
        status: ConnectionStatusEnum | None = None,
        actor: Actor = FLEETWRITE,
    ) -> Connection:
        """Change what is not None. A new login lets a stale connection send again.

        Raises:
            ConnectionNotFoundError, NotSharedError: as with `get`.
            OtherAccountError: the new login does not lead to the account that the connection is for.
        """
        async with self._database.transaction() as connection:
            shared = await store.find_shared(connection, partner_id, connection_id)
            if shared is None:
                raise ConnectionNotFoundError(connection_id)
            found = shared.require_counting()
            # As the system: it is the fleet's connection, and everybody's work is in its lanes.
            async with database.as_system(connection):
                if description is not None:
                    await store.update_description(connection, connection_id, description)
                if login is not None:
                    await self.log_in_by(connection, found, login, status)
                elif status is not None:
                    await self.set_status(connection, connection_id, status)
            told = {"credentials": login is not None, "description": description is not None, "status": status}
            await trail.append(connection, actor, Deed.CONNECTION_CHANGED, connection_id, told)
        return await self.get(partner_id, connection_id)

    async def log_in_by(
        self,
        connection: database.Connection,
        before: Connection,
        login: VerifiedLogin,
        status: ConnectionStatusEnum | None = None,
    ) -> None:
        """Let a connection log in otherwise, in the caller's transaction. One that is stale becomes active.

        Raises:
            OtherAccountError: the login does not lead to the account that the connection is for.
        """
        moved = await self._keeper.replace(connection, before, login)
        if before.status is ConnectionStatusEnum.STALE:
            status = status or ConnectionStatusEnum.ACTIVE
        if status is not None:
            await self.set_status(connection, before.id, status)
        await self._dispatch.lift_bars(connection, before.id)
        if moved:
            # What had shut it is no business of its any more.
            await self._dispatch.reopen_owners(connection, [before.id])

    async def pin(self, connection_id: UUID, account_id: str) -> bool:
        """Note which account a connection leads to, where nobody knew; False where it is pinned to another one."""
        async with self._database.transaction() as connection:
            locked = await store.lock_account(connection, connection_id)
            if locked == (None,):
                await store.pin_account(connection, connection_id, account_id)
        return locked in {None, (None,), (account_id,)}

    async def find_fleet(self, partner_id: UUID, *, fleet_id: UUID | None, fleet_ref: str | None) -> UUID:
        """The fleet of this id and of this name of the partner's, whichever is not None.

        Raises:
            UnknownFleetError: there is none that shares with the partner.
        """
        async with self._database.acquire() as connection:
            found = await store.find_fleet(connection, partner_id, fleet_id=fleet_id, fleet_ref=fleet_ref)
        if found is None:
            name = f"fleet_ref {fleet_ref!r}" if fleet_id is None else f"id {fleet_id}"
            raise UnknownFleetError(f"No fleet with {name} shares anything with you.")
        return found

    async def delete(self, partner_id: UUID, connection_id: UUID, *, actor: Actor = FLEETWRITE) -> None:
        """Delete a connection, and destroy what opens its account. What waits there is held, and left to the caller.

        Raises:
            ConnectionNotFoundError, NotSharedError: as with `get`.
        """
        async with self._database.transaction() as connection:
            shared = await store.find_shared(connection, partner_id, connection_id)
            if shared is None:
                raise ConnectionNotFoundError(connection_id)
            shared.require_counting()
            async with database.as_system(connection):  # as in `change`
                await self.destroy(connection, connection_id, actor)

    async def destroy(self, connection: database.Connection, connection_id: UUID, actor: Actor) -> None:
        """What `delete` does, in the caller's transaction.

        Raises:
            ConnectionNotFoundError: there is none, or it is gone already.
        """
        await login_store.delete(connection, connection_id)
        await self.set_status(connection, connection_id, ConnectionStatusEnum.DELETED)
        await store.destroy_credentials(connection, connection_id)
        await trail.append(connection, actor, Deed.CONNECTION_DELETED, connection_id)

    def _slugs_of(self, wanted: UUID) -> list[str]:
        slugs = (connector.manifest.slug for connector in self._registry)
        return [slug for slug in slugs if tsp_id(slug) == wanted]


def to_read(connection: Connection) -> ConnectionRead:
    """The connection in the contract's shape, its secrets masked."""
    return ConnectionRead(
        id=connection.id,
        created_at=connection.created_at,
        updated_at=connection.updated_at,
        fleet_id=connection.fleet_id,
        fleet_ref=connection.fleet_ref,
        tsp_id=tsp_id(connection.tsp_slug),
        source_name=connection.source_name,
        credentials=dict(connection.credentials_masked),
        status=connection.status,
        description=connection.description,
    )
