"""Lists of records: in every order they can have, by the indexes they need, without what is gone."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.database import Database
from fleetwrite.kit.keyset import BadCursorError, Cursor, PageQuery, Place, Statement, Window, decode_cursor
from fleetwrite.orgs.models import Partner
from fleetwrite.records.errors import RecordNotFoundError
from fleetwrite.records.listing import RecordFilter
from fleetwrite.records.rendering import OWN_FIELDS, READ_MODELS
from fleetwrite.records.service import RecordService
from fleetwrite.records.sorting import ORDERS
from integration.records.accounts import connect, listed, pull

VEHICLE, DVIR_LOG = ResourceEnum.VEHICLE, ResourceEnum.DVIR_LOG


async def met(
    records: RecordService, partner: Partner, wanted: RecordFilter, *, sort_by: str, descending: bool
) -> list[UUID]:
    """The ids of all pages, which are of two records each."""
    found: list[UUID] = []
    cursor = None
    while True:
        window = Window(cursor=decode_cursor(cursor), size=2, descending=descending)
        page = (await records.page(partner.id, wanted, window, sort_by=sort_by)).page
        found += [item.id for item in page.items]
        cursor = page.next_page
        if cursor is None:
            return found


def samples(field: Any) -> list[Any]:
    """Values of a field in the order of the list, as JSON compares them."""
    (schema,), components = msgspec.json.schema_components([field])
    for option in schema.get("anyOf", [schema]):
        named = components[option["$ref"].rsplit("/", 1)[1]] if "$ref" in option else option
        if "enum" in named:
            return sorted(named["enum"])[:3]
        match named.get("format", named["type"]):
            case "integer":
                return [-5, 9, 10]
            case "decimal" | "number":
                return [Decimal("-0.5"), Decimal("9.25"), Decimal("10.000000000000000001")]
            case "boolean":
                return [False, True, True]
            case "date":
                return ["2025-12-31", "2026-01-01", "2026-10-01"]
            case "date-time":
                return ["2025-12-31T10:00:00Z", "2026-01-01T10:00:00Z", "2026-10-01T10:00:00Z"]
            case "uuid":
                return [str(UUID(int=1)), str(UUID(int=2)), str(UUID(int=3))]
            case "string":
                return ["a", "b\"'\\", "c"]
    raise AssertionError(schema)


@pytest.mark.parametrize("resource", ORDERS)
async def test_a_list_is_sorted_by_any_of_its_fields_and_what_lacks_it_comes_first(
    records: RecordService, database: Database, partner: Partner, resource: ResourceEnum
) -> None:
    own = OWN_FIELDS[READ_MODELS[resource]]
    for field in [field for field in ORDERS[resource] if field in own]:
        account = await connect(database, partner, field)
        low, middle, high = samples(own[field])
        values = [None, None, low, middle, middle, high]
        listing = [
            listed(resource, str(place), **({} if value is None else {field: value}))
            for place, value in enumerate(values)
        ]
        # Met in an order that is none of the list's.
        ids = (await pull(database, account, *listing[::-1]))[::-1]
        keys = {value: place for place, value in enumerate([None, *dict.fromkeys([low, middle, high])])}
        by_value = sorted(zip(values, ids, strict=True), key=lambda row: (keys[row[0]], row[1]))
        expected = [record_id for _, record_id in by_value]
        wanted = RecordFilter(resource=resource, connection_id=account)
        assert await met(records, partner, wanted, sort_by=field, descending=False) == expected, field
        assert await met(records, partner, wanted, sort_by=field, descending=True) == expected[::-1], field


@pytest.mark.parametrize("field", ["occurred_at", "created_at", "updated_at", "source_id"])
@pytest.mark.parametrize("descending", [False, True])
async def test_a_list_is_sorted_by_what_we_note_of_a_record(
    records: RecordService, database: Database, account: UUID, partner: Partner, field: str, descending: bool
) -> None:
    south = await connect(database, partner, "south")
    for place, of in enumerate((account, south, account, south, account)):
        await pull(database, of, listed(VEHICLE, str(place % 3)))
        await database.pool.execute("UPDATE clock_shift SET shift = shift + interval '1 hour'")
    # Changed last, though met first.
    await pull(database, account, listed(VEHICLE, "0", vehicle_name="new"))
    rows = await database.pool.fetch(f"SELECT id FROM records ORDER BY {field}, id")  # noqa: S608 - of our own
    expected = [row["id"] for row in rows]
    found = await met(records, partner, RecordFilter(resource=VEHICLE), sort_by=field, descending=descending)
    assert found == (expected[::-1] if descending else expected)


@pytest.mark.parametrize(
    "text", ["", "no JSON", '"a', '"a\\u0000"', "1e999999", "{}", "[]", "1" * 2000, "\0", '"\\ud800"', "-", "NaN"]
)
async def test_a_made_up_place_is_refused_before_the_database_sees_it(
    records: RecordService, partner: Partner, text: str
) -> None:
    cursor = Cursor(place=Place(None, UUID(int=1), text), order="model_year")
    with pytest.raises(BadCursorError):
        await records.page(partner.id, RecordFilter(resource=VEHICLE), Window(cursor=cursor), sort_by="model_year")


async def test_a_list_can_be_sorted_by_a_field_that_holds_long_texts_and_what_is_no_text_at_all(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    values: list[Any] = [{"a": 1}, ["x"], None, "a" * 100_000, "b" * 100_000 + "\n", "b" * 100_000]
    listing = [listed(VEHICLE, str(place), notes=value) for place, value in enumerate(values)]
    ids = await pull(database, account, *listing)
    found = await met(records, partner, RecordFilter(resource=VEHICLE), sort_by="notes", descending=False)
    assert sorted(found) == sorted(ids)
    assert found[0] == ids[2]
    assert found.index(ids[3]) < found.index(ids[4])
    page = await records.page(partner.id, RecordFilter(resource=VEHICLE), Window(size=5), sort_by="notes")
    assert len(page.page.next_page or "") < 2000


async def test_what_is_gone_is_in_no_list_and_still_shown_by_its_id(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    gone, there = await pull(database, account, listed(VEHICLE, "1"), listed(VEHICLE, "2"))
    await database.pool.execute("UPDATE records SET deleted_at = fleetwrite_now() WHERE id = $1", gone)
    for wanted in (
        RecordFilter(resource=VEHICLE),
        RecordFilter(resource=VEHICLE, ids=[gone, there]),
        RecordFilter(resource=VEHICLE, source_ids=["1", "2"]),
    ):
        counted = await records.page(partner.id, wanted, Window())
        assert ([item.id for item in counted.page.items], counted.total) == ([there], 1)
    assert (await records.get(partner.id, VEHICLE, gone)).deleted_at is not None
    await pull(database, account, listed(VEHICLE, "1"))
    assert (await records.page(partner.id, RecordFilter(resource=VEHICLE), Window())).total == 2


async def test_what_a_provider_dates_itself_is_dated_by_it_also_later(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    (first_id,) = await pull(database, account, listed(DVIR_LOG, "1"))
    page = await records.page(partner.id, RecordFilter(resource=DVIR_LOG), Window())
    first = page.page.items[0]
    assert first.occurred_at == first.created_at
    at = first.created_at.replace(year=2020)
    dated = msgspec.structs.replace(listed(DVIR_LOG, "1"), occurred_at=at, source_data={"at": "2020"})
    await pull(database, account, dated)
    again = (await records.page(partner.id, RecordFilter(resource=DVIR_LOG), Window())).page.items[0]
    assert (again.id, again.occurred_at, again.created_at) == (first_id, at, first.created_at)


# By which indexes


async def fill(database: Database, account: UUID, resource: ResourceEnum, count: int) -> None:
    await database.pool.execute(
        """
        INSERT INTO records (id, connection_id, resource, source_id, attributes, source_data, source_data_hash,
            occurred_at, created_at, updated_at)
        SELECT gen_random_uuid(), $1, $2, n::text, jsonb_build_object('source_driver_id', (n % 400)::text), '{}', '',
            fleetwrite_now() - n * interval '1 second', fleetwrite_now() - n * interval '2 seconds',
            fleetwrite_now() - n * interval '3 seconds'
        FROM generate_series(1, $3) AS n
        """,
        account,
        resource.value,
        count,
    )
    await database.pool.execute("ANALYZE records")


def scanned(plan: Mapping[str, Any]) -> int:
    """How many records a plan has read."""
    own = 0
    if plan.get("Relation Name") == "records":
        own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return own + sum(scanned(child) for child in plan.get("Plans", []))


async def rows_read(
    monkeypatch: pytest.MonkeyPatch,
    database: Database,
    records: RecordService,
    partner: Partner,
    wanted: RecordFilter,
    window: Window,
    sort_by: str = "occurred_at",
) -> int:
    """How many rows the query of one page reads, as PostgreSQL counts them."""
    asked: list[Statement] = []
    build = PageQuery.statement

    def overhear(query: PageQuery, of: Window) -> Statement:
        asked.append(build(query, of))
        return asked[-1]

    with monkeypatch.context() as patch:
        patch.setattr(PageQuery, "statement", overhear)
        await records.page(partner.id, wanted, window, sort_by=sort_by)
    (statement,) = asked
    explained = await database.pool.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.sql}", *statement.values)
    return scanned(json.loads(explained)[0]["Plan"])


@pytest.mark.parametrize("sort_by", ["occurred_at", "created_at", "updated_at", "source_id"])
@pytest.mark.parametrize("descending", [False, True])
async def test_a_page_of_a_large_connection_reads_as_many_records_as_it_shows(
    records: RecordService,
    database: Database,
    account: UUID,
    partner: Partner,
    monkeypatch: pytest.MonkeyPatch,
    sort_by: str,
    descending: bool,
) -> None:
    await fill(database, account, VEHICLE, 20_000)
    await fill(database, await connect(database, partner, "south"), VEHICLE, 500)
    wanted = RecordFilter(resource=VEHICLE, connection_id=account)
    window = Window(size=50, descending=descending)
    # Beside the page: the row that the cursor names, one that tells whether the list goes on, and one to see whether
    # that has the same key.
    most = 50 + 3
    assert await rows_read(monkeypatch, database, records, partner, wanted, window, sort_by) <= most
    page = (await records.page(partner.id, wanted, window, sort_by=sort_by)).page
    further = Window(cursor=decode_cursor(page.next_page), size=50, descending=descending)
    assert await rows_read(monkeypatch, database, records, partner, wanted, further, sort_by) <= most
    # Of two connections: a page of each.
    everywhere = RecordFilter(resource=VEHICLE)
    assert await rows_read(monkeypatch, database, records, partner, everywhere, window, sort_by) <= 2 * most


async def test_a_page_of_what_is_about_one_driver_reads_only_that(
    records: RecordService, database: Database, account: UUID, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(database, account, DVIR_LOG, 20_000)
    (driver,) = await pull(database, account, listed(ResourceEnum.USER, "17"))
    for wanted in (
        RecordFilter(resource=DVIR_LOG, references={"driver_id": [driver]}),
        RecordFilter(resource=DVIR_LOG, attributes={"source_driver_id": ["17"]}),
    ):
        assert (await records.page(partner.id, wanted, Window())).total == 50
        assert await rows_read(monkeypatch, database, records, partner, wanted, Window()) == 50
    assert (await records.page(partner.id, RecordFilter(resource=DVIR_LOG, ids=[uuid4()]), Window())).total == 0


async def test_a_record_is_not_found_by_a_reference_of_another_kind_or_connection(
    records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    south = await connect(database, partner, "south")
    (driver,) = await pull(database, account, listed(ResourceEnum.USER, "1"))
    (vehicle,) = await pull(database, account, listed(VEHICLE, "1"))
    here, _ = await pull(database, account, listed(DVIR_LOG, "a", source_driver_id="1"), listed(DVIR_LOG, "b"))
    await pull(database, south, listed(DVIR_LOG, "a", source_driver_id="1"))

    async def about(record_id: UUID) -> list[UUID]:
        wanted = RecordFilter(resource=DVIR_LOG, references={"driver_id": [record_id]})
        return [item.id for item in (await records.page(partner.id, wanted, Window())).page.items]

    assert await about(driver) == [here]
    assert await about(vehicle) == []
    with pytest.raises(RecordNotFoundError):
        await records.get(partner.id, VEHICLE, driver)
