"""Another master key takes over while processes run and write, and the old one leaves."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from fleetwrite.bootstrap import Services, open_services
from fleetwrite.connections.models import CREDENTIALS_PURPOSE, Connection, VerifiedLogin
from fleetwrite.contract.event_names import WebhookSubscribableEvent
from fleetwrite.contract.notifications import WebhookCreate
from fleetwrite.kit.database import Database
from fleetwrite.kit.ids import new_id
from fleetwrite.settings import Settings
from fleetwrite.vault import places, store
from fleetwrite.vault.errors import RotationRefusedError, WrongKeyError
from fleetwrite.vault.keyfile import KeyFile
from fleetwrite.vault.keys import MasterKey
from fleetwrite.vault.service import Vault

MANY = 10_000


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "vault.key"
    KeyFile.create(path)
    return path


@asynccontextmanager
async def process(database_url: str, key_file: Path, name: str = "api") -> AsyncIterator[Services]:
    settings = Settings(database_url=database_url, vault_key_file=str(key_file), database_pool_size=4)
    async with open_services(settings, name=name) as services:
        yield services


def only(key: MasterKey, folder: Path) -> Path:
    path = folder / f"{key.id.hex()}.key"
    path.touch(mode=0o600)
    path.write_text(key.line())
    return path


async def rest(database: Database) -> None:
    await database.pool.execute("UPDATE clock_shift SET shift = shift + '11 minutes'")


async def connect(services: Services, number: int = 1) -> Connection:
    partner = await services.orgs.ensure_partner("Acme", "acme")
    agreement = await services.orgs.ensure_shared_fleet(partner.id, f"fleet-{number}", "Fleet")
    return await services.connections.create(
        fleet_id=agreement.fleet_id, tsp_slug="samsara", credentials={"token": f"token-{number}"}, settings={}
    )


async def credentials(services: Services, ids: Sequence[UUID]) -> dict[UUID, str]:
    async with services.database.acquire() as connection:
        accounts = await services.connections.open_accounts(connection, ids)
    return {connection_id: account.credentials["token"] for connection_id, account in accounts.items()}


def silent(_table: str, _done: int) -> None:
    pass


async def copies(services: Services, model: Connection) -> list[UUID]:
    """Many connections like one, each with a login of its own, put into the table all at once."""
    ids = [new_id() for _ in range(MANY)]
    sealed = [
        services.vault.seal_json({"token": f"token-{one}"}, purpose=CREDENTIALS_PURPOSE, subject=one) for one in ids
    ]
    await services.database.pool.execute(
        """
        INSERT INTO connections
        SELECT (jsonb_populate_record(c, jsonb_build_object('id', new.id, 'credentials_sealed', new.sealed))).*
        FROM connections c, unnest($2::uuid[], $3::bytea[]) AS new (id, sealed) WHERE c.id = $1
        """,
        model.id,
        ids,
        sealed,
    )
    return ids


async def test_ten_thousand_logins_change_their_key_while_they_are_used_and_replaced(
    database: Database, database_url: str, key_file: Path, tmp_path: Path
) -> None:
    async with process(database_url, key_file) as first:
        ids = await copies(first, await connect(first))
    old, new = KeyFile.load(key_file)[0], KeyFile.add(key_file)
    expected = {one: f"token-{one}" for one in ids}
    stop = asyncio.Event()

    async def replace(services: Services, partner_id: UUID, mine: Sequence[UUID]) -> int:
        """Give one connection after the other another login, as a partner would, and read some of the others."""
        for count, connection_id in enumerate(itertools.cycle(mine)):
            if stop.is_set():
                return count
            connection = await services.connections.get(partner_id, connection_id)
            login = VerifiedLogin(credentials={"token": f"replaced-{count}"}, settings=connection.settings)
            await services.connections.change(partner_id, connection_id, login=login)
            expected[connection_id] = f"replaced-{count}"
            for token in (await credentials(services, ids[count % MANY :: 997])).values():
                assert token.startswith(("token-", "replaced-"))
        return 0

    async def subscribe(services: Services, partner_id: UUID) -> int:
        for count in itertools.count():
            if stop.is_set():
                return count
            body = WebhookCreate(
                url=f"https://93.184.215.14/{new_id()}",
                event_name=WebhookSubscribableEvent.RESOURCE_OPERATION_FAILED,
                secret=f"webhook secret {count}",
            )
            await services.subscriptions.create(partner_id, body)
        return 0

    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(process(database_url, key_file))
        worker = await stack.enter_async_context(process(database_url, key_file, "worker"))
        partner_id = (await api.orgs.ensure_partner("Acme", "acme")).id
        async with asyncio.TaskGroup() as tasks:
            writers = [
                tasks.create_task(replace(api, partner_id, ids[::2])),
                tasks.create_task(replace(worker, partner_id, ids[1::2])),
                tasks.create_task(subscribe(worker, partner_id)),
            ]
            admin = await stack.enter_async_context(process(database_url, key_file, "vault rotate"))
            rotated = await admin.rotation.rotate(silent)
            stop.set()
        assert all(writer.result() > 0 for writer in writers)
        assert rotated.broken == []
        assert rotated.rewrapped > MANY - sum(writer.result() for writer in writers)
        await rest(database)
        await admin.rotation.remove(old.id)
    async with process(database_url, only(new, tmp_path)) as afterwards:
        assert await credentials(afterwards, ids) == expected
        await afterwards.tokens.jwks()
        async with database.acquire() as connection:
            for place in places.PLACES:
                assert set(await store.count(connection, place)) <= {new.id}
            rows = await connection.fetch("SELECT id, secret_sealed FROM subscriptions")
        for row in rows:
            opened = afterwards.vault.open(row["secret_sealed"], purpose="webhook-secret", subject=row["id"])
            assert opened.startswith(b"webhook secret")
    with pytest.raises(WrongKeyError, match=new.id.hex()):
        async with process(database_url, only(old, tmp_path)):
            pass


async def test_a_key_that_a_running_process_lacks_does_not_begin_to_seal(database_url: str, key_file: Path) -> None:
    async with process(database_url, key_file) as running:
        new = KeyFile.add(key_file)
        async with process(database_url, key_file, "vault rotate") as admin:
            with pytest.raises(
                RotationRefusedError, match=r"api \(database session \d+\) lack it.*Nothing was changed"
            ):
                await admin.rotation.rotate(silent)
        connection = await connect(running)
        async with process(database_url, key_file) as other:
            assert other.vault.sealing_id != new.id
            assert await credentials(other, [connection.id]) == {connection.id: "token-1"}


async def test_processes_that_run_seal_with_the_new_key_when_the_rotation_is_over(
    database_url: str, key_file: Path
) -> None:
    async with process(database_url, key_file):
        pass
    new = KeyFile.add(key_file)
    async with process(database_url, key_file) as running, process(database_url, key_file, "vault rotate") as admin:
        assert running.vault.sealing_id != new.id
        await admin.rotation.rotate(silent)
        assert running.vault.sealing_id == new.id
        status = await admin.rotation.status()
    assert {one.seals_with for one in status.processes} == {new.id.hex()}
    assert [one.key_id for one in status.keys if one.seals] == [new.id.hex()]


async def test_an_old_key_stays_while_it_seals_rests_or_is_needed(
    database: Database, database_url: str, key_file: Path
) -> None:
    (old,) = KeyFile.load(key_file)
    async with process(database_url, key_file) as services:
        await connect(services)
    new = KeyFile.add(key_file)
    async with process(database_url, key_file, "vault rotate") as admin:
        with pytest.raises(RotationRefusedError, match="seals: let another one"):
            await admin.rotation.remove(old.id)
        await admin.rotation.rotate(silent)
        with pytest.raises(RotationRefusedError, match="try again after"):
            await admin.rotation.remove(old.id)
        await rest(database)
        # What was on its way when the key changed.
        admin.vault.seal_with(old.id)
        late = await connect(admin, 2)
        with pytest.raises(RotationRefusedError, match=r"1 in connections\.credentials_sealed\. Rotate again"):
            await admin.rotation.remove(old.id)
        assert (await admin.rotation.rotate(silent)).rewrapped == 1
        await admin.rotation.remove(old.id)
        await admin.rotation.remove(old.id)  # nothing more to do
        KeyFile.remove(key_file, old.id)
    async with process(database_url, key_file) as services:
        assert services.vault.key_ids == (new.id,)
        assert await credentials(services, [late.id]) == {late.id: "token-2"}


async def test_a_process_without_a_key_that_is_needed_does_not_start(
    database_url: str, key_file: Path, tmp_path: Path
) -> None:
    (old,) = KeyFile.load(key_file)
    async with process(database_url, key_file) as services:
        await connect(services)
    new = KeyFile.add(key_file)
    async with process(database_url, key_file, "vault rotate") as admin:
        await admin.rotation.rotate(silent)
    for lacking, present in ((old, new), (new, old)):
        with pytest.raises(WrongKeyError, match=f"The master key {lacking.id.hex()} is missing"):
            async with process(database_url, only(present, tmp_path)):
                pass


async def test_a_secret_that_no_key_opens_is_told_and_left_alone(
    database: Database, database_url: str, key_file: Path
) -> None:
    async with process(database_url, key_file) as services:
        good, bad = await connect(services, 1), await connect(services, 2)
    foreign = Vault(MasterKey.random()).seal(b"{}", purpose=CREDENTIALS_PURPOSE, subject=bad.id)
    await database.pool.execute("UPDATE connections SET credentials_sealed = $2 WHERE id = $1", bad.id, foreign)
    KeyFile.add(key_file)
    async with process(database_url, key_file, "vault rotate") as admin:
        rotated = await admin.rotation.rotate(silent)
        assert await credentials(admin, [good.id]) == {good.id: "token-1"}
    assert rotated.broken == [f"connections.credentials_sealed {bad.id}"]
    kept = await database.pool.fetchval("SELECT credentials_sealed FROM connections WHERE id = $1", bad.id)
    assert kept == foreign


async def test_rows_that_somebody_holds_are_done_when_they_are_free(
    database: Database, database_url: str, key_file: Path
) -> None:
    async with process(database_url, key_file) as services:
        held = await connect(services)
    KeyFile.add(key_file)
    async with process(database_url, key_file, "vault rotate") as admin:
        async with database.transaction() as connection:
            await connection.execute("SELECT FROM connections WHERE id = $1 FOR UPDATE", held.id)
            rotating = asyncio.create_task(admin.rotation.rotate(silent))
            # Long enough for a rotation that would not wait.
            await asyncio.wait({rotating}, timeout=0.3)
            assert not rotating.done()
        assert (await rotating).rewrapped == 2


async def test_without_a_canary_secrets_of_another_key_are_refused_and_no_key_is_taken_for_theirs(
    database: Database, database_url: str, key_file: Path, tmp_path: Path
) -> None:
    (key,) = KeyFile.load(key_file)
    async with process(database_url, key_file) as services:
        await connect(services)
    await database.pool.execute("DELETE FROM vault_canary")
    with pytest.raises(WrongKeyError, match=key.id.hex()):
        async with process(database_url, only(MasterKey.random(), tmp_path)):
            pass
    async with process(database_url, key_file):
        pass


NOT_SEALED = {("vault_canary", "sealed"), ("vault_canary", "key_id"), ("vault_holders", "sealing_id")}
"""Bytes that change with the master keys, hence are no places; and that are no secrets."""

HASHES = {
    ("idempotency_keys", "fingerprint"),
    ("audit_log", "previous_hash"),
    ("audit_log", "hash"),
    ("invitations", "connect_token_hash"),
    ("connect_visits", "secret_hash"),
    ("connect_consents", "state_hash"),
    ("connect_consents", "visit_hash"),
    ("connect_links", "secret_hash"),
}


async def test_every_column_of_bytes_is_a_place_of_sealed_secrets_or_known_to_be_none(database: Database) -> None:
    rows = await database.pool.fetch(
        """
        SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.atttypid = 'bytea'::regtype
            AND NOT a.attisdropped
        """
    )
    found = {(row["relname"], row["attname"]) for row in rows}
    assert found - NOT_SEALED - HASHES == {(place.table, place.column) for place in places.PLACES}


async def test_the_key_of_every_place_is_the_primary_key_of_its_table(database: Database) -> None:
    for place in places.PLACES:
        keys = await database.pool.fetch(
            """
            SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
            WHERE i.indrelid = $1::text::regclass AND i.indisprimary
            """,
            place.table,
        )
        assert [row["attname"] for row in keys] == [place.key]
