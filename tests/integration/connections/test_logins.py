"""One login for many who need it, in however many processes they are."""

import asyncio
from collections.abc import Mapping
from typing import cast
from uuid import UUID

import asyncpg
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from fleetwrite.connections.errors import ConnectionNotFoundError
from fleetwrite.connections.logins import PrivateLogin, SharedLogins
from fleetwrite.connections.models import Account, KeptSession, VerifiedLogin
from fleetwrite.connections.service import ConnectionService
from fleetwrite.connections.usual_budgets import usual_budgets
from fleetwrite.connectors.sdk.connector import LoginRefusedError
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.connectors.sdk.wire import NewSession
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Database
from fleetwrite.kit.egress import HttpAnswer, NotSentError
from fleetwrite.orgs.service import OrgService
from fleetwrite.vault.keyfile import MasterKey
from fleetwrite.vault.service import Vault

REFUSED = HttpAnswer(401, CIMultiDictProxy(CIMultiDict()), b"", 0.0)


class Provider:
    """Counts the logins, and answers each with a session of its own."""

    def __init__(self) -> None:
        self.logins = 0
        self.with_credentials: list[Mapping[str, str]] = []
        self.lasts_s: float | None = None
        self.rotates = False
        self.refuses = False
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()

    async def log_in(self, credentials: Mapping[str, str]) -> NewSession:
        self.logins += 1
        number = self.logins
        self.with_credentials.append(credentials)
        self.begun.set()
        await self.go.wait()
        if self.refuses:
            raise LoginRefusedError("not these", REFUSED)
        rotated = {"token": f"rotated-{number}"} if self.rotates else None
        return NewSession(values={"session": f"session-{number}"}, lasts_s=self.lasts_s, credentials=rotated)


@pytest.fixture
def vault() -> Vault:
    return Vault(MasterKey(b"k" * 32))


@pytest.fixture
def connections(database: Database, vault: Vault) -> ConnectionService:
    registry = Registry.load()
    return ConnectionService(database, vault, registry, Dispatch(database), usual_budgets(registry, {}))


@pytest.fixture
async def connection_id(connections: ConnectionService, database: Database) -> UUID:
    orgs = OrgService(database)
    partner = await orgs.ensure_partner("Partner", "partner")
    fleet = await orgs.ensure_shared_fleet(partner.id, "north", "North")
    made = await connections.create(
        fleet_id=fleet.fleet_id, tsp_slug="samsara", credentials={"token": "first"}, settings={}
    )
    return made.id


async def load(connections: ConnectionService, database: Database, connection_id: UUID) -> Account:
    async with database.acquire() as reading:
        return (await connections.open_accounts(reading, [connection_id]))[connection_id]


@pytest.fixture
async def account(connections: ConnectionService, database: Database, connection_id: UUID) -> Account:
    return await load(connections, database, connection_id)


async def test_a_hundred_that_need_a_session_in_three_processes_log_in_once(
    database: Database, database_url: str, vault: Vault, account: Account
) -> None:
    provider = Provider()
    pools = [await Database.connect(database_url, max_size=4, application_name="another process") for _ in range(2)]
    try:
        processes = [SharedLogins(pool, vault) for pool in (database, *pools)]
        kept = await asyncio.gather(
            *(processes[number % 3].renew(account, 0, provider.log_in, 30) for number in range(100))
        )
    finally:
        for pool in pools:
            await pool.close()
    assert provider.logins == 1
    assert set(map(str, kept)) == {str(KeptSession(values={"session": "session-1"}, generation=1))}


async def test_a_session_is_loaded_with_its_account_until_it_ends(
    connections: ConnectionService, database: Database, vault: Vault, account: Account
) -> None:
    provider = Provider()
    provider.lasts_s = 3600
    assert account.session is None
    kept = await SharedLogins(database, vault).renew(account, 0, provider.log_in, 1)
    loaded = await load(connections, database, account.connection.id)
    assert loaded.session == kept
    # A minute before its end it counts as over: a call must not outlive it.
    await database.pool.execute("UPDATE clock_shift SET shift = '59 minutes 1 second'")
    assert (await load(connections, database, account.connection.id)).session is None


async def test_who_finds_a_session_refused_gets_the_next_and_not_one_of_its_own(
    database: Database, vault: Vault, account: Account
) -> None:
    provider = Provider()
    logins = SharedLogins(database, vault)
    first = await logins.renew(account, 0, provider.log_in, 1)
    again = await asyncio.gather(*(logins.renew(account, first.generation, provider.log_in, 30) for _ in range(20)))
    assert provider.logins == 2
    assert {kept.generation for kept in again} == {2}
    # Somebody who was slow, and had the first session refused too, has the second one to try.
    assert await logins.renew(account, first.generation, provider.log_in, 1) == again[0]
    assert provider.logins == 2


async def test_credentials_that_work_once_are_replaced_before_the_session_is_used(
    connections: ConnectionService, database: Database, vault: Vault, account: Account
) -> None:
    provider = Provider()
    provider.rotates = True
    logins = SharedLogins(database, vault)
    await logins.renew(account, 0, provider.log_in, 1)
    loaded = await load(connections, database, account.connection.id)
    assert loaded.credentials == {"token": "rotated-1"}
    # The account that was loaded before still has the first ones, and must not log in with them.
    await logins.renew(account, 1, provider.log_in, 1)
    assert provider.with_credentials == [{"token": "first"}, {"token": "rotated-1"}]


async def test_refused_credentials_are_not_tried_again_at_once(
    connections: ConnectionService, database: Database, vault: Vault, account: Account
) -> None:
    provider = Provider()
    provider.refuses = True
    logins = SharedLogins(database, vault)
    refused = await asyncio.gather(
        *(logins.renew(account, 0, provider.log_in, 30) for _ in range(10)), return_exceptions=True
    )
    assert [type(error) for error in refused] == [LoginRefusedError] * 10
    assert {str(error) for error in refused} == {"not these"}
    assert {cast("LoginRefusedError", error).answer.status for error in refused} == {401}
    assert provider.logins == 1
    await database.pool.execute("UPDATE clock_shift SET shift = '31 seconds'")
    provider.refuses = False
    assert (await logins.renew(account, 0, provider.log_in, 1)).generation == 1


async def test_new_credentials_end_the_session_and_what_was_refused(
    connections: ConnectionService, database: Database, vault: Vault, account: Account
) -> None:
    provider = Provider()
    logins = SharedLogins(database, vault)
    await logins.renew(account, 0, provider.log_in, 1)
    async with database.acquire() as reading:
        partner_id = await reading.fetchval("SELECT id FROM partners")
    login = VerifiedLogin(credentials={"token": "second"}, settings={})
    await connections.change(partner_id, account.connection.id, login=login)
    loaded = await load(connections, database, account.connection.id)
    assert loaded.session is None
    await logins.renew(loaded, 0, provider.log_in, 1)
    assert provider.with_credentials[-1] == {"token": "second"}


async def test_a_login_with_credentials_that_were_replaced_meanwhile_is_not_kept(
    connections: ConnectionService, database: Database, vault: Vault, account: Account
) -> None:
    provider = Provider()
    provider.go.clear()
    logins = SharedLogins(database, vault)
    slow = asyncio.create_task(logins.renew(account, 0, provider.log_in, 30))
    await provider.begun.wait()
    async with database.acquire() as reading:
        partner_id = await reading.fetchval("SELECT id FROM partners")
    login = VerifiedLogin(credentials={"token": "second"}, settings={})
    await connections.change(partner_id, account.connection.id, login=login)
    provider.go.set()
    with pytest.raises(NotSentError):
        await slow
    assert (await load(connections, database, account.connection.id)).session is None


async def test_a_process_that_died_while_logging_in_holds_nobody_up_for_good(
    database: Database, vault: Vault, account: Account
) -> None:
    provider = Provider()
    provider.go.clear()
    logins = SharedLogins(database, vault)
    dying = asyncio.create_task(logins.renew(account, 0, provider.log_in, 30))
    await provider.begun.wait()
    with pytest.raises(NotSentError, match="too long"):
        await logins.renew(account, 0, provider.log_in, 0.0)
    await database.pool.execute("UPDATE clock_shift SET shift = '91 seconds'")
    provider.go.set()
    kept = await logins.renew(account, 0, provider.log_in, 1)
    assert kept.values == {"session": "session-2"}
    with pytest.raises(NotSentError):
        await dying


async def test_credentials_that_are_tried_first_leave_no_session_behind(
    connections: ConnectionService, database: Database, account: Account
) -> None:
    provider = Provider()
    provider.rotates = True
    private = PrivateLogin()
    await private.renew(account, 0, provider.log_in, 1)
    await private.renew(account, 1, provider.log_in, 1)
    assert provider.with_credentials == [{"token": "first"}, {"token": "rotated-1"}]
    assert (await load(connections, database, account.connection.id)).session is None


async def test_what_a_login_gave_is_stored_though_the_database_goes_away_at_that_very_moment(
    connections: ConnectionService, database: Database, database_url: str, vault: Vault, account: Account
) -> None:
    provider = Provider()
    provider.rotates = True
    killer = await asyncpg.connect(database_url)

    async def log_in(credentials: Mapping[str, str]) -> NewSession:
        made = await provider.log_in(credentials)
        # Everybody else's connections, the pool's among them, which finds out with its next statement.
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return made

    try:
        kept = await SharedLogins(database, vault).renew(account, 0, log_in, 1)
    finally:
        await killer.close()
    loaded = await load(connections, database, account.id)
    assert (loaded.session, loaded.credentials) == (kept, {"token": "rotated-1"})
    assert provider.logins == 1


async def test_what_a_login_gave_is_stored_though_nobody_waits_for_it_any_more(
    connections: ConnectionService, database: Database, vault: Vault, account: Account
) -> None:
    provider = Provider()
    provider.rotates = True
    provider.go.clear()
    logins = SharedLogins(database, vault)
    waiting = asyncio.create_task(logins.renew(account, 0, provider.log_in, 30))
    await provider.begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    provider.go.set()
    await logins.close()
    loaded = await load(connections, database, account.id)
    assert loaded.credentials == {"token": "rotated-1"}
    assert loaded.session is not None


async def test_a_connection_that_is_deleted_meanwhile_keeps_no_session_and_no_login(
    connections: ConnectionService, database: Database, vault: Vault, account: Account
) -> None:
    provider = Provider()
    provider.rotates = True
    provider.go.clear()
    logins = SharedLogins(database, vault)
    slow = asyncio.create_task(logins.renew(account, 0, provider.log_in, 30))
    await provider.begun.wait()
    partner_id = await database.pool.fetchval("SELECT id FROM partners")
    await connections.delete(partner_id, account.id)
    provider.go.set()
    with pytest.raises(NotSentError):
        await slow
    assert await database.pool.fetchval("SELECT count(*) FROM login_sessions") == 0
    assert await database.pool.fetchval("SELECT credentials_sealed FROM connections") is None
    with pytest.raises(NotSentError, match="deleted"):
        await logins.renew(account, 0, provider.log_in, 1)


async def test_credentials_that_come_too_late_are_not_kept_of_a_deleted_connection(
    connections: ConnectionService, database: Database, account: Account
) -> None:
    partner_id = await database.pool.fetchval("SELECT id FROM partners")
    login = VerifiedLogin(credentials={"token": "second"}, settings={})
    async with database.transaction() as deleting:
        # Whoever changes the connection has found it by now, and waits for this.
        await deleting.execute("SELECT FROM connections FOR UPDATE")
        changing = asyncio.create_task(connections.change(partner_id, account.id, login=login))
        while not await database.pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)
        await deleting.execute(
            "UPDATE connections SET status = 'deleted', deleted_at = fleetwrite_now(), credentials_sealed = NULL"
        )
    with pytest.raises(ConnectionNotFoundError):
        await changing
    assert await database.pool.fetchval("SELECT credentials_sealed FROM connections") is None
