import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.telematics_reads import TrailerRead, UserRead, VehicleRead
from fleetwrite.contract.tsps import TspEnum
from fleetwrite.kit.database import Database
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.keyset import Window, decode_cursor
from fleetwrite.orgs.models import Partner, ShareAgreement
from fleetwrite.orgs.service import OrgService
from fleetwrite.records.errors import RecordNotFoundError
from fleetwrite.records.listing import RecordFilter
from fleetwrite.records.models import WrittenRecord, record_id
from fleetwrite.records.service import RecordService
from fleetwrite.records.store import merge_written, resolve
from integration.records.accounts import listed, pull

VEHICLE, TRAILER, USER = ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER


async def share(database: Database, partner: Partner, fleet_ref: str) -> ShareAgreement:
    return await OrgService(database).ensure_shared_fleet(partner.id, fleet_ref, fleet_ref)


async def connect(database: Database, fleet_id: UUID) -> UUID:
    """A row is all that records need of a connection."""
    connection_id = new_id()
    await database.pool.execute(
        """
        INSERT INTO connections (id, fleet_id, tsp_slug, source_name, status, credentials_sealed,
            credentials_masked, created_at, updated_at)
        VALUES ($1, $2, 'samsara-eu', 'samsara', 'active', '', '{}', fleetwrite_now(), fleetwrite_now())
        """,
        connection_id,
        fleet_id,
    )
    return connection_id


@pytest.fixture
async def account(database: Database, partner: Partner) -> UUID:
    return await connect(database, (await share(database, partner, "north")).fleet_id)


def written(account: UUID, source_id: str, source_data: Mapping[str, Any], **attributes: Any) -> WrittenRecord:
    return WrittenRecord(
        connection_id=account,
        resource=VEHICLE,
        source_id=source_id,
        attributes=attributes,
        source_data=source_data,
    )


async def merge(database: Database, *what: WrittenRecord) -> None:
    async with database.transaction() as connection:
        await merge_written(connection, what)


async def shift_clock(database: Database, by: str) -> None:
    await database.pool.execute("UPDATE clock_shift SET shift = $1::text::interval", by)


async def vehicle(records: RecordService, partner: Partner, wanted: UUID) -> VehicleRead:
    read = await records.get(partner.id, VEHICLE, wanted, include_source_data=True)
    assert isinstance(read, VehicleRead)
    return read


async def test_a_listed_record_is_read_in_the_contract_s_shape(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    (vehicle_id,) = await pull(database, account, listed(VEHICLE, "281", vehicle_name="Truck 1", model_year=2021))
    read = await vehicle(records, partner, vehicle_id)
    assert read.id == vehicle_id == record_id(account, VEHICLE, "281")
    assert (read.vehicle_name, read.model_year, read.vin) == ("Truck 1", 2021, None)
    assert (read.source_id, read.fleet_ref, read.connection_id) == ("281", "north", account)
    assert (read.tsp_slug, read.tsp_id) == ("samsara-eu", tsp_id("samsara-eu"))
    assert read.source_name is TspEnum.SAMSARA
    assert read.source_data == {"id": "281", "vehicle_name": "Truck 1", "model_year": 2021}
    assert len(read.source_data_hash) == 64
    assert read.occurred_at == read.created_at
    bare = await records.get(partner.id, VEHICLE, vehicle_id)
    assert bare.source_data is msgspec.UNSET


async def test_the_same_thing_keeps_id_and_creation_and_is_updated_only_when_it_changed(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    (first_id,) = await pull(database, account, listed(VEHICLE, "1", vehicle_name="old"))
    first = await vehicle(records, partner, first_id)
    await shift_clock(database, "1 hour")
    await pull(database, account, listed(VEHICLE, "1", vehicle_name="old"))
    assert await vehicle(records, partner, first_id) == first
    await pull(database, account, listed(VEHICLE, "1", vehicle_name="new"))
    changed = await vehicle(records, partner, first_id)
    assert changed.vehicle_name == "new"
    assert changed.created_at == first.created_at
    assert changed.updated_at > first.updated_at
    assert changed.source_data_hash != first.source_data_hash


async def test_the_order_of_keys_does_not_change_the_hash(database: Database, account: UUID) -> None:
    one = SourceRecord(resource=VEHICLE, source_id="1", attributes={}, source_data={"a": 1, "b": {"c": 2, "d": 3}})
    two = SourceRecord(resource=VEHICLE, source_id="2", attributes={}, source_data={"b": {"d": 3, "c": 2}, "a": 1})
    await pull(database, account, one, two)
    assert await database.pool.fetchval("SELECT count(DISTINCT source_data_hash) FROM records") == 1


async def test_a_record_listed_twice_is_kept_as_listed_last(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    ids = await pull(database, account, listed(VEHICLE, "1", vehicle_name="a"), listed(VEHICLE, "1", vehicle_name="b"))
    assert (await vehicle(records, partner, ids[0])).vehicle_name == "b"


async def test_an_empty_list_changes_nothing(database: Database, account: UUID) -> None:
    assert await pull(database, account) == []
    await merge(database)


async def test_things_of_one_source_id_but_another_kind_or_account_are_apart(
    database: Database, account: UUID, partner: Partner
) -> None:
    other = await connect(database, (await share(database, partner, "south")).fleet_id)
    ids = [
        *await pull(database, account, listed(VEHICLE, "1"), listed(TRAILER, "1")),
        *await pull(database, other, listed(VEHICLE, "1")),
    ]
    assert len(set(ids)) == 3


async def test_a_nul_from_a_provider_does_not_stop_the_others(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    backslash = "\\u0000 is no NUL"
    ids = await pull(
        database, account, listed(VEHICLE, "1", vehicle_name="a\0b"), listed(VEHICLE, "2", vehicle_name=backslash)
    )
    assert (await vehicle(records, partner, ids[0])).vehicle_name == "a\N{REPLACEMENT CHARACTER}b"
    assert (await vehicle(records, partner, ids[1])).vehicle_name == backslash


async def test_a_write_changes_what_it_names_and_nothing_else(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    (vehicle_id,) = await pull(database, account, listed(VEHICLE, "1", vehicle_name="a", notes="n", vin="V"))
    before = await vehicle(records, partner, vehicle_id)
    await shift_clock(database, "1 hour")
    await merge(database, written(account, "1", {}, vehicle_name="b", notes=None))
    after = await vehicle(records, partner, vehicle_id)
    assert (after.vehicle_name, after.notes, after.vin) == ("b", None, "V")
    assert (after.source_data, after.source_data_hash) == (before.source_data, before.source_data_hash)
    assert after.created_at == before.created_at
    assert after.updated_at > before.updated_at
    await merge(database, written(account, "1", {"id": "1", "name": "b"}))
    assert (await vehicle(records, partner, vehicle_id)).source_data == {"id": "1", "name": "b"}


async def test_a_written_record_that_was_unknown_comes_into_being(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    await merge(database, written(account, "new", {"id": "new"}, vehicle_name="fresh"))
    read = await vehicle(records, partner, record_id(account, VEHICLE, "new"))
    assert read.vehicle_name == "fresh"
    assert read.occurred_at is not None


async def test_writes_of_several_accounts_and_twice_to_one_record_are_kept_by_one_statement(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    other = await connect(database, (await share(database, partner, "south")).fleet_id)
    await merge(
        database,
        written(account, "1", {"v": 1}, vehicle_name="a", notes="n"),
        written(other, "1", {}, vehicle_name="x"),
        written(account, "1", {}, vehicle_name="b"),
    )
    one = await vehicle(records, partner, record_id(account, VEHICLE, "1"))
    assert (one.vehicle_name, one.notes, one.source_data) == ("b", "n", {"v": 1})
    assert (await vehicle(records, partner, record_id(other, VEHICLE, "1"))).vehicle_name == "x"


async def test_transactions_that_write_the_same_records_do_not_block_each_other_for_good(
    database: Database, account: UUID
) -> None:
    forwards = [written(account, str(n), {}, notes="f") for n in range(200)]
    await asyncio.gather(*(merge(database, *order) for order in (forwards, forwards[::-1], forwards, forwards[::-1])))
    assert await database.pool.fetchval("SELECT count(*) FROM records") == 200


async def test_ids_are_resolved_together_and_unknown_ones_left_out(database: Database, account: UUID) -> None:
    ids = await pull(database, account, listed(VEHICLE, "1", vin="V"), listed(USER, "2", is_driver=True))
    async with database.acquire() as connection:
        found = await resolve(connection, [*ids, uuid4()])
        assert await resolve(connection, []) == {}
    assert set(found) == set(ids)
    assert (found[ids[0]].resource, found[ids[0]].source_id, found[ids[0]].connection_id) == (VEHICLE, "1", account)
    assert found[ids[1]].attributes == {"is_driver": True}


async def test_another_partner_s_records_are_not_found(
    records: RecordService, database: Database, account: UUID
) -> None:
    (vehicle_id,) = await pull(database, account, listed(VEHICLE, "1"))
    stranger = await OrgService(database).ensure_partner("Stranger", "stranger")
    await share(database, stranger, "north")
    with pytest.raises(RecordNotFoundError, match=str(vehicle_id)):
        await records.get(stranger.id, VEHICLE, vehicle_id)
    for wanted in (
        RecordFilter(resource=VEHICLE),
        RecordFilter(resource=VEHICLE, connection_id=account),
        RecordFilter(resource=VEHICLE, ids=[vehicle_id]),
        RecordFilter(resource=VEHICLE, source_ids=["1"]),
    ):
        found = await records.page(stranger.id, wanted, Window())
        assert (found.page.items, found.total) == ([], 0)


@pytest.mark.parametrize(
    "ending",
    [
        "UPDATE share_agreements SET status = 'deleted'",
        "UPDATE connections SET status = 'cancelled'",
    ],
)
async def test_records_are_not_found_once_the_agreement_or_the_connection_ended(
    records: RecordService, database: Database, account: UUID, partner: Partner, ending: str
) -> None:
    (vehicle_id,) = await pull(database, account, listed(VEHICLE, "1"))
    await database.pool.execute(ending)
    with pytest.raises(RecordNotFoundError):
        await records.get(partner.id, VEHICLE, vehicle_id)
    assert (await records.page(partner.id, RecordFilter(resource=VEHICLE), Window())).total == 0


async def test_records_of_a_deleted_connection_are_listed_no_more_and_stay_readable_as_deleted(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    (vehicle_id,) = await pull(database, account, listed(VEHICLE, "1"))
    assert (await records.get(partner.id, VEHICLE, vehicle_id)).deleted_at is None
    await database.pool.execute("UPDATE connections SET status = 'deleted', deleted_at = '2026-11-02T08:15Z'")
    read = await records.get(partner.id, VEHICLE, vehicle_id)
    assert read.deleted_at == datetime(2026, 11, 2, 8, 15, tzinfo=UTC)
    assert (await records.page(partner.id, RecordFilter(resource=VEHICLE), Window())).total == 0


async def test_a_record_of_another_kind_is_not_found(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    (trailer_id,) = await pull(database, account, listed(TRAILER, "1"))
    with pytest.raises(RecordNotFoundError):
        await records.get(partner.id, VEHICLE, trailer_id)
    assert isinstance(await records.get(partner.id, TRAILER, trailer_id), TrailerRead)


async def test_a_page_can_be_narrowed_and_counts_what_matches(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    south = await share(database, partner, "south")
    other = await connect(database, south.fleet_id)
    a, b, _ = await pull(
        database,
        account,
        listed(USER, "a", is_driver=True),
        listed(USER, "b", is_driver=False),
        listed(VEHICLE, "a"),
    )
    (c,) = await pull(database, other, listed(USER, "c"))

    async def found(**wanted: Any) -> set[UUID]:
        counted = await records.page(partner.id, RecordFilter(resource=USER, **wanted), Window())
        assert counted.total == len(counted.page.items)
        assert all(isinstance(item, UserRead) for item in counted.page.items)
        return {item.id for item in counted.page.items}

    assert await found() == {a, b, c}
    assert await found(connection_id=account) == {a, b}
    assert await found(fleet_ids=[south.fleet_id]) == {c}
    assert await found(fleet_refs=["north", "elsewhere"]) == {a, b}
    assert await found(ids=[a, c, uuid4()]) == {a, c}
    assert await found(source_ids=["b", "\0"]) == {b}
    assert await found(is_driver=True) == {a}
    assert await found(is_driver=False) == {b}
    assert await found(source_ids=["a"], fleet_refs=["south"]) == set()


@pytest.mark.parametrize("descending", [False, True])
async def test_pages_hold_each_record_once_while_others_arrive(
    records: RecordService, database: Database, account: UUID, partner: Partner, descending: bool
) -> None:
    first = await pull(database, account, *(listed(VEHICLE, str(n)) for n in range(7)))
    met: list[UUID] = []
    cursor, rounds = None, 0
    while True:
        window = Window(cursor=decode_cursor(cursor), size=3, descending=descending)
        counted = await records.page(partner.id, RecordFilter(resource=VEHICLE), window)
        met += [item.id for item in counted.page.items]
        # As many as there were when the first page was read.
        assert counted.total == 7
        if counted.page.next_page is None or rounds == 5:
            break
        cursor, rounds = counted.page.next_page, rounds + 1
        await pull(database, account, listed(VEHICLE, f"late {rounds}"))
    assert len(met) == len(set(met))
    assert set(first) <= set(met)


async def test_source_data_comes_only_when_asked_for(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    await pull(database, account, listed(VEHICLE, "1"))
    wanted = RecordFilter(resource=VEHICLE)
    bare = await records.page(partner.id, wanted, Window())
    full = await records.page(partner.id, wanted, Window(), include_source_data=True)
    assert "source_data" not in msgspec.to_builtins(bare.page.items[0])
    assert full.page.items[0].source_data == {"id": "1"}


async def test_attributes_that_do_not_fit_the_contract_are_left_null(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    ids = await pull(
        database,
        account,
        listed(
            USER,
            "1",
            username=5,
            hos_ruleset_code="MADE_UP",
            default_time_zone="UTC",
            last_tsp_login="2026-01-01T00:00:00Z",
            started_at="2026-01-01T00:00:00",
            license_expiration="2030-12-31",
            company_groups=[],
            made_up="x",
            id="forged",
            fleet_id="forged",
            extras={"k": 1},
        ),
        listed(TRAILER, "2", trailer_length=Decimal("13.60"), model_year="2021", total_axles=3),
    )
    user = await records.get(partner.id, USER, ids[0])
    assert isinstance(user, UserRead)
    assert (user.username, user.hos_ruleset_code, user.started_at, user.company_groups) == (None,) * 4
    assert user.default_time_zone == "UTC"
    assert user.last_tsp_login == datetime(2026, 1, 1, tzinfo=UTC)
    assert str(user.license_expiration) == "2030-12-31"
    assert user.extras == {"k": 1}
    assert user.id == ids[0]
    trailer = await records.get(partner.id, TRAILER, ids[1])
    assert isinstance(trailer, TrailerRead)
    assert (trailer.trailer_length, trailer.model_year, trailer.total_axles) == (Decimal("13.6"), None, 3)
