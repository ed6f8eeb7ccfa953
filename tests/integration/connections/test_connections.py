from dataclasses import dataclass
from typing import cast
from uuid import UUID, uuid4

import pytest

from fleetwrite.connections.budgets import ConnectionBudgets
from fleetwrite.connections.errors import (
    BadConnectionFieldsError,
    ConnectionNotFoundError,
    NotSharedError,
    UnknownFleetError,
)
from fleetwrite.connections.models import Connection
from fleetwrite.connections.service import ConnectionService, to_read
from fleetwrite.connections.usual_budgets import usual_budgets
from fleetwrite.connectors.sdk.connector import Connector
from fleetwrite.connectors.sdk.manifest import Budget, Field, LoginScheme, Manifest, Reconciliation
from fleetwrite.connectors.sdk.registry import Registry, UnknownTspError
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.enums import ConnectionStatusEnum
from fleetwrite.contract.tsps import TspEnum
from fleetwrite.dispatch.errors import UnknownScopeError
from fleetwrite.dispatch.models import BudgetLimit
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Database
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.keyset import Window, decode_cursor
from fleetwrite.orgs.models import Partner, ShareAgreement
from fleetwrite.orgs.service import OrgService
from fleetwrite.records.schedules import ScheduleService
from fleetwrite.vault.errors import SealBrokenError
from fleetwrite.vault.keys import MasterKey
from fleetwrite.vault.service import Vault

SECRET = "t0p-s3cret-token"
CREDENTIALS = {"user": "dispatcher", "token": SECRET}


@dataclass
class Offline:
    """A connector of which only the manifest is asked."""

    manifest: Manifest


def manifest(slug: str) -> Manifest:
    return Manifest(
        slug=slug,
        name=slug.title(),
        source_name=TspEnum.SAMSARA,
        login=LoginScheme.BEARER,
        credential_shape="token",
        credentials=(
            Field(name="user", label="User", description="The login."),
            Field(name="token", label="Token", description="Ask for one.", sensitive=True),
        ),
        settings=(Field(name="base_url", label="Address", description="Another.", required=False),),
        regions={"us": "https://api.example"},
        offers=(),
        listings=(),
        budgets=(Budget(scope="token", requests=7, per_seconds=3.0),),
        timeout_s=10,
        reconciliation=Reconciliation(settle_s=1, clock_allowance_s=1),
    )


@pytest.fixture
def connections(database: Database, egress: Egress) -> ConnectionService:
    registry = Registry({slug: cast("Connector", Offline(manifest(slug))) for slug in ("acme", "zeta")})
    usual = usual_budgets(registry, {})
    dispatch = Dispatch(database)
    schedules = ScheduleService(database, dispatch, registry)
    return ConnectionService(database, Vault(MasterKey(b"k" * 32)), registry, dispatch, usual, schedules, egress)


@pytest.fixture
def budgets(database: Database, connections: ConnectionService) -> ConnectionBudgets:
    usual = {"acme": (BudgetLimit(scope="token", requests=7, per_seconds=3.0),)}
    return ConnectionBudgets(database, connections, Dispatch(database), usual)


@pytest.fixture
def orgs(database: Database) -> OrgService:
    return OrgService(database)


@pytest.fixture
async def partner(orgs: OrgService) -> Partner:
    return await orgs.ensure_partner("Partner", "partner")


@pytest.fixture
async def north(orgs: OrgService, partner: Partner) -> ShareAgreement:
    return await orgs.ensure_shared_fleet(partner.id, "north", "North")


async def connect(connections: ConnectionService, fleet_id: UUID, tsp_slug: str = "acme") -> Connection:
    return await connections.create(
        fleet_id=fleet_id, tsp_slug=tsp_slug, credentials=CREDENTIALS, settings={}, description="Depot"
    )


@pytest.fixture
async def connection(connections: ConnectionService, north: ShareAgreement) -> Connection:
    return await connect(connections, north.fleet_id)


async def test_a_connection_is_found_by_the_partner_it_is_shared_with(
    connections: ConnectionService, connection: Connection, partner: Partner, north: ShareAgreement
) -> None:
    found = await connections.get(partner.id, connection.id)
    assert found.fleet_id == north.fleet_id
    assert found.fleet_ref == "north"
    assert found.status is ConnectionStatusEnum.ACTIVE


async def test_another_partner_s_connection_is_not_found(
    connections: ConnectionService, budgets: ConnectionBudgets, connection: Connection, orgs: OrgService
) -> None:
    stranger = await orgs.ensure_partner("Stranger", "stranger")
    await orgs.ensure_shared_fleet(stranger.id, "north", "Another north")
    with pytest.raises(ConnectionNotFoundError, match=str(connection.id)):
        await connections.get(stranger.id, connection.id)
    page = await connections.page(stranger.id, Window(), fleet_ids=[connection.fleet_id])
    assert page.items == []
    with pytest.raises(ConnectionNotFoundError):
        await budgets.replace(stranger.id, connection.id, [])
    with pytest.raises(ConnectionNotFoundError):
        await budgets.get(stranger.id, connection.id)


async def test_an_unknown_connection_is_not_found(connections: ConnectionService, partner: Partner) -> None:
    with pytest.raises(ConnectionNotFoundError):
        await connections.get(partner.id, uuid4())


async def test_an_agreement_that_ends_ends_at_once(
    connections: ConnectionService, connection: Connection, partner: Partner, database: Database
) -> None:
    await connections.get(partner.id, connection.id)
    for status in ("paused", "expired", "cancelled"):
        await database.pool.execute("UPDATE share_agreements SET status = $1", status)
        with pytest.raises(NotSharedError, match=f"which is {status}"):
            await connections.get(partner.id, connection.id)
        assert (await connections.page(partner.id, Window())).items == []
    await database.pool.execute("UPDATE share_agreements SET status = 'deleted'")
    with pytest.raises(ConnectionNotFoundError):
        await connections.get(partner.id, connection.id)


async def test_a_partner_reads_each_connection_under_its_own_fleet_ref(
    connections: ConnectionService, connection: Connection, orgs: OrgService
) -> None:
    other = await orgs.ensure_partner("Other", "other")
    await orgs.create_agreement(partner_id=other.id, fleet_id=connection.fleet_id, fleet_ref="n-99")
    assert (await connections.get(other.id, connection.id)).fleet_ref == "n-99"


@pytest.mark.parametrize("status", [ConnectionStatusEnum.DELETED, ConnectionStatusEnum.CANCELLED])
async def test_a_connection_that_is_gone_is_not_found_and_does_not_come_back(
    connections: ConnectionService,
    connection: Connection,
    partner: Partner,
    database: Database,
    status: ConnectionStatusEnum,
) -> None:
    async with database.transaction() as transaction:
        await connections.set_status(transaction, connection.id, status)
    with pytest.raises(ConnectionNotFoundError):
        await connections.get(partner.id, connection.id)
    assert (await connections.page(partner.id, Window())).items == []
    assert await connections.of_fleet(connection.fleet_id) == []
    with pytest.raises(ConnectionNotFoundError):
        async with database.transaction() as transaction:
            await connections.set_status(transaction, connection.id, ConnectionStatusEnum.ACTIVE)


@pytest.mark.parametrize("status", [ConnectionStatusEnum.PAUSED, ConnectionStatusEnum.STALE])
async def test_a_connection_that_rests_is_found_and_its_lanes_are_held(
    connections: ConnectionService,
    connection: Connection,
    partner: Partner,
    database: Database,
    status: ConnectionStatusEnum,
) -> None:
    held = "SELECT held FROM lane_owners WHERE id = $1"
    async with database.transaction() as transaction:
        await connections.set_status(transaction, connection.id, status)
    assert (await connections.get(partner.id, connection.id)).status is status
    assert await database.pool.fetchval(held, connection.id) is True
    async with database.transaction() as transaction:
        await connections.set_status(transaction, connection.id, ConnectionStatusEnum.ACTIVE)
    assert await database.pool.fetchval(held, connection.id) is False


async def test_the_login_is_sealed_and_comes_back_for_those_who_carry_out_writes(
    connections: ConnectionService, connection: Connection, database: Database
) -> None:
    row = await database.pool.fetchval("SELECT connections::text FROM connections")
    assert SECRET not in row
    assert SECRET.encode().hex() not in row
    async with database.acquire() as reading:
        accounts = await connections.open_accounts(reading, [connection.id, uuid4()])
    assert set(accounts) == {connection.id}
    account = accounts[connection.id]
    assert account.credentials == CREDENTIALS
    assert account.base_url == "https://api.example"
    assert SECRET not in repr(account)


async def test_a_sealed_login_copied_to_another_connection_does_not_open_and_spoils_no_other(
    connections: ConnectionService, connection: Connection, north: ShareAgreement, database: Database
) -> None:
    other = await connect(connections, north.fleet_id)
    await database.pool.execute(
        "UPDATE connections SET credentials_sealed = (SELECT credentials_sealed FROM connections WHERE id = $1)",
        connection.id,
    )
    async with database.acquire() as reading:
        accounts = await connections.open_accounts(reading, [connection.id, other.id])
    assert accounts[connection.id].credentials == CREDENTIALS
    with pytest.raises(SealBrokenError):
        _ = accounts[other.id].credentials


async def test_a_read_connection_shows_no_secret(connection: Connection) -> None:
    read = to_read(connection)
    assert read.credentials == {"token": "*****"}
    assert read.tsp_id == tsp_id("acme")
    assert read.source_name == TspEnum.SAMSARA
    assert read.description == "Depot"


async def test_wrong_fields_are_refused_and_leave_nothing(
    connections: ConnectionService, north: ShareAgreement, database: Database
) -> None:
    with pytest.raises(BadConnectionFieldsError, match=r"credentials\.token: is missing"):
        await connections.create(fleet_id=north.fleet_id, tsp_slug="acme", credentials={"user": "x"}, settings={})
    with pytest.raises(BadConnectionFieldsError, match=r"credentials\.url: .* private"):
        await connections.create(
            fleet_id=north.fleet_id,
            tsp_slug="acme",
            credentials={"user": "x", "token": "t"},
            settings={"base_url": "http://10.0.0.1"},
        )
    with pytest.raises(UnknownTspError, match="'nobody'"):
        await connect(connections, north.fleet_id, "nobody")
    with pytest.raises(UnknownFleetError):
        await connect(connections, uuid4())
    assert await database.pool.fetchval("SELECT count(*) FROM connections") == 0
    assert await database.pool.fetchval("SELECT count(*) FROM lane_owners") == 0


async def test_settings_are_replaced_and_checked(
    connections: ConnectionService, connection: Connection, partner: Partner
) -> None:
    await connections.replace_settings(connection.id, {"base_url": "http://127.0.0.1:1234"})
    assert (await connections.get(partner.id, connection.id)).settings == {"base_url": "http://127.0.0.1:1234"}
    with pytest.raises(BadConnectionFieldsError, match=r"credentials\.url"):
        await connections.replace_settings(connection.id, {"base_url": "nowhere"})
    with pytest.raises(BadConnectionFieldsError, match="metadata"):
        await connections.replace_settings(connection.id, {"base_url": "http://169.254.169.254/latest"})
    with pytest.raises(ConnectionNotFoundError):
        await connections.replace_settings(uuid4(), {})


async def test_a_connection_starts_with_the_provider_s_budgets_and_they_can_be_replaced(
    budgets: ConnectionBudgets, connection: Connection, partner: Partner
) -> None:
    assert await budgets.get(partner.id, connection.id) == [BudgetLimit(scope="token", requests=7, per_seconds=3.0)]
    more = [BudgetLimit(scope="token", requests=50, per_seconds=1.0)]
    assert await budgets.replace(partner.id, connection.id, more) == more
    with pytest.raises(UnknownScopeError):
        await budgets.replace(partner.id, connection.id, [BudgetLimit(scope="tokn", requests=1, per_seconds=1.0)])
    assert await budgets.get(partner.id, connection.id) == more


async def test_a_page_can_be_narrowed(
    connections: ConnectionService, orgs: OrgService, partner: Partner, north: ShareAgreement
) -> None:
    south = await orgs.ensure_shared_fleet(partner.id, "south", "South")
    a = await connect(connections, north.fleet_id)
    b = await connect(connections, south.fleet_id)
    c = await connect(connections, south.fleet_id, "zeta")

    async def ids(**wanted: object) -> list[UUID]:
        page = await connections.page(partner.id, Window(), **wanted)  # type: ignore[arg-type] # one helper for all filters
        return [item.id for item in page.items]

    assert await ids() == [a.id, b.id, c.id]
    assert await ids(fleet_refs=["south"]) == [b.id, c.id]
    assert await ids(fleet_ids=[north.fleet_id, uuid4()]) == [a.id]
    assert await ids(tsp_id=tsp_id("zeta")) == [c.id]
    assert await ids(tsp_id=uuid4()) == []
    assert await ids(fleet_refs=["south"], fleet_ids=[north.fleet_id]) == []
    assert await ids(fleet_refs=[]) == []
    assert await ids(fleet_refs=["\0"]) == []


async def test_pages_lead_to_each_other_in_both_directions(
    connections: ConnectionService, partner: Partner, north: ShareAgreement
) -> None:
    made = [(await connect(connections, north.fleet_id)).id for _ in range(5)]
    forwards: list[UUID] = []
    cursor = None
    while True:
        page = await connections.page(partner.id, Window(cursor=decode_cursor(cursor), size=2))
        forwards += [item.id for item in page.items]
        if page.next_page is None:
            break
        cursor = page.next_page
    assert forwards == made
    assert page.previous_page is not None
    before = await connections.page(partner.id, Window(cursor=decode_cursor(page.previous_page), size=2))
    assert [item.id for item in before.items] == made[2:4]
