"""Ids and names that partners bring."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.keyset import Window
from fleetwrite.orgs.models import Partner
from fleetwrite.orgs.service import OrgService
from fleetwrite.records import id_import_store
from fleetwrite.records.errors import InvalidImportError, RecordNotFoundError
from fleetwrite.records.id_map import IdMap
from fleetwrite.records.id_map_models import ImportResult, LookUp, MappingState
from fleetwrite.records.listing import RecordFilter
from fleetwrite.records.models import record_id
from fleetwrite.records.service import RecordService
from fleetwrite.records.store import was_known
from integration.records.accounts import connect, listed, pull, share_too, write
from integration.records.id_files import WITH_REFS, file, found

VEHICLE, USER, MESSAGE = ResourceEnum.VEHICLE, ResourceEnum.USER, ResourceEnum.MESSAGE
NOTHING = {"unchanged": 0, "ids_changed": 0, "ids_reserved": 0, "record_refs_set": 0, "record_refs_removed": 0}


def result(lines: int, *, applied: bool = True, **counts: int) -> ImportResult:
    return ImportResult(applied=applied, lines=lines, **{**NOTHING, **counts})


async def refusals(id_map: IdMap, partner: Partner, content: bytes, *, apply: bool = True) -> dict[str, str]:
    """What is wrong with an import: path -> error type."""
    with pytest.raises(InvalidImportError) as caught:
        await id_map.import_file(partner.id, content, apply=apply)
    return {detail.path: detail.error_type for detail in caught.value.details}


# Bringing ids


async def test_an_id_that_is_brought_first_is_that_of_the_record_that_is_pulled_later(
    id_map: IdMap, records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    brought = uuid4()
    assert await id_map.import_file(partner.id, file((account, "vehicle", "281", brought)), apply=True) == result(
        1, ids_reserved=1
    )
    assert (await records.page(partner.id, RecordFilter(resource=VEHICLE), Window())).total == 0
    with pytest.raises(RecordNotFoundError):
        await records.get(partner.id, VEHICLE, brought)
    await database.pool.execute("UPDATE clock_shift SET shift = '1 day'")
    assert await pull(database, account, listed(VEHICLE, "281", vehicle_name="Truck 1")) == [brought]
    read = await records.get(partner.id, VEHICLE, brought)
    assert (read.id, read.source_id, read.deleted_at) == (brought, "281", None)
    # It is as old as our knowledge of it.
    assert read.created_at == read.updated_at == read.occurred_at
    assert await pull(database, account, listed(VEHICLE, "281", vehicle_name="Truck 1b")) == [brought]


async def test_a_write_that_succeeds_gets_the_id_that_was_brought(
    id_map: IdMap, records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    brought = uuid4()
    await id_map.import_file(partner.id, file((account, "vehicle", "9", brought)), apply=True)
    assert await write(database, account, "9", vehicle_name="Truck 9") == brought
    assert (await records.get(partner.id, VEHICLE, brought)).source_id == "9"
    assert await write(database, account, "10") == record_id(account, VEHICLE, "10")


async def test_an_id_that_is_brought_takes_the_place_of_the_derived_one(
    id_map: IdMap, records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    (derived,) = await pull(database, account, listed(VEHICLE, "281", vehicle_name="Truck 1"))
    brought = uuid4()
    changed = await id_map.import_file(partner.id, file((account, "vehicle", "281", brought)), apply=True)
    assert changed == result(1, ids_changed=1)
    assert (await records.get(partner.id, VEHICLE, brought)).source_id == "281"
    with pytest.raises(RecordNotFoundError):
        await records.get(partner.id, VEHICLE, derived)
    assert await pull(database, account, listed(VEHICLE, "281", vehicle_name="Truck 2")) == [brought]
    assert await write(database, account, "281", notes="n") == brought


async def test_what_points_to_a_record_points_to_its_new_id(
    id_map: IdMap, records: RecordService, database: Database, account: UUID, partner: Partner
) -> None:
    (_, message) = await pull(
        database, account, listed(USER, "7"), listed(MESSAGE, "m", message_text="x", source_recipient_id="7")
    )
    brought = uuid4()
    await id_map.import_file(partner.id, file((account, "user", "7", brought)), apply=True)
    wanted = RecordFilter(resource=MESSAGE, references={"recipient_id": [brought]})
    (read,) = (await records.page(partner.id, wanted, Window())).page.items
    assert (read.id, getattr(read, "recipient_id", None)) == (message, brought)


async def test_without_apply_an_import_says_what_it_would_do_and_does_nothing(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    await pull(database, account, listed(VEHICLE, "1"))
    before = await database.pool.fetch("SELECT * FROM records")
    content = file((account, "vehicle", "1", uuid4()), (account, "vehicle", "2", uuid4()))
    dry = await id_map.import_file(partner.id, content, apply=False)
    assert dry == result(2, applied=False, ids_changed=1, ids_reserved=1)
    assert await database.pool.fetch("SELECT * FROM records") == before


async def test_an_import_that_is_repeated_changes_nothing(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    await pull(database, account, listed(VEHICLE, "1"))
    columns = ("connection_id", "resource", "source_id", "id", "record_ref")
    content = file((account, "vehicle", "1", uuid4(), "T-1"), (account, "trailer", "1", uuid4(), ""), columns=columns)
    first = await id_map.import_file(partner.id, content, apply=True)
    assert first == result(2, ids_changed=1, ids_reserved=1, record_refs_set=1)
    before = await database.pool.fetch("SELECT * FROM records ORDER BY id")
    assert await id_map.import_file(partner.id, content, apply=True) == result(2, unchanged=2)
    assert await database.pool.fetch("SELECT * FROM records ORDER BY id") == before


async def test_an_export_can_be_imported_as_it_is(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    await pull(database, account, listed(VEHICLE, "1", vehicle_name='a "b", c\nd'), listed(USER, "ü", first_name="Ann"))
    await id_map.import_file(partner.id, file((account, "trailer", "new", uuid4())), apply=True)
    content = b"".join([piece async for piece in id_map.export(partner.id, LookUp())])
    assert await id_map.import_file(partner.id, content, apply=True) == result(3, unchanged=3)
    assert await id_map.import_file(partner.id, b"\xef\xbb\xbf" + content, apply=True) == result(3, unchanged=3)


async def test_ids_that_were_brought_to_the_wrong_records_can_be_exchanged(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    ids = [uuid4(), uuid4(), uuid4()]
    await id_map.import_file(
        partner.id, file(*((account, "vehicle", str(place), one) for place, one in enumerate(ids))), apply=True
    )
    turned = [*ids[1:], ids[0]]
    right = file(*((account, "vehicle", str(place), one) for place, one in enumerate(turned)))
    assert await id_map.import_file(partner.id, right, apply=True) == result(3, ids_changed=3)
    assert await pull(database, account, *(listed(VEHICLE, str(place)) for place in range(3))) == turned


async def test_an_id_that_would_have_been_derived_for_another_record_stays_where_it_was_brought(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    lent = record_id(account, VEHICLE, "2")
    await id_map.import_file(partner.id, file((account, "vehicle", "1", lent)), apply=True)
    first, second = await pull(database, account, listed(VEHICLE, "1"), listed(VEHICLE, "2"))
    assert first == lent
    assert second not in {lent, record_id(account, VEHICLE, "1")}
    assert await pull(database, account, listed(VEHICLE, "2", notes="n")) == [second]
    assert await write(database, account, "2") == second


async def test_an_id_that_waits_for_its_record_does_not_make_that_known(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    async def knew(ago: timedelta) -> bool:
        async with database.acquire() as connection:
            return await was_known(connection, account, USER, "7", ago)

    await id_map.import_file(partner.id, file((account, "user", "7", uuid4())), apply=True)
    await database.pool.execute("UPDATE clock_shift SET shift = '1 hour'")
    assert not await knew(timedelta(minutes=1))
    await pull(database, account, listed(USER, "7"))
    await database.pool.execute("UPDATE clock_shift SET shift = '2 hours'")
    assert await knew(timedelta(minutes=59))
    assert not await knew(timedelta(minutes=61))


# What is refused


async def test_everything_wrong_is_told_at_once_by_line_and_nothing_is_done(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    (taken,) = await pull(database, account, listed(VEHICLE, "there"))
    foreign = await connect(database, await OrgService(database).ensure_partner("Other", "other"), "theirs")
    twice = uuid4()
    content = file(
        (account, "vehicle", "good", uuid4()),
        ("17", "vehicle", "1", uuid4()),
        (account, "ship", "1", uuid4()),
        (account, "vehicle", "", uuid4()),
        (account, "vehicle", "1", "no id"),
        (account, "vehicle", "one field too few"),
        (account, "vehicle", "a\0b", uuid4()),
        (account, "vehicle", "x" * 501, uuid4()),
        (foreign, "vehicle", "1", uuid4()),
        (uuid4(), "vehicle", "1", uuid4()),
        (account, "vehicle", "2", taken),
        (account, "vehicle", "3", twice),
        (account, "vehicle", "4", twice),
        (account, "vehicle", "good", uuid4()),
        ("17", "ship", "", "no id"),
    )
    expected = {
        "body.3.connection_id": "format",
        "body.4.resource": "enum",
        "body.5.source_id": "missing",
        "body.6.id": "format",
        "body.7": "format",
        "body.8.source_id": "format",
        "body.9.source_id": "range",
        "body.10.connection_id": "unknown_id",
        "body.11.connection_id": "unknown_id",
        "body.12.id": "conflict",
        "body.14.id": "conflict",
        "body.15.source_id": "conflict",
        "body.16.connection_id": "format",
        "body.16.resource": "enum",
        "body.16.source_id": "missing",
        "body.16.id": "format",
    }
    assert await refusals(id_map, partner, content) == expected
    assert await refusals(id_map, partner, content, apply=False) == expected
    assert await database.pool.fetchval("SELECT count(*) FROM records") == 1


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        (b"", {"body.1.connection_id": "missing", "body.1.resource": "missing", "body.1.source_id": "missing"}),
        (b"resource,source_id\r\n", {"body.1.connection_id": "missing"}),
        (b"connection_id,resource,source_id,idd\r\n", {"body.1.idd": "unknown_field"}),
        (b"connection_id,resource,source_id,id,id\r\n", {"body.1.id": "format"}),
        (b'connection_id,resource,source_id\r\n\r\n"a"b,c,d\r\n1,2,3\r\n', {"body.3": "format"}),
        (b"connection_id,resource,source_id\r\na,b,c\r\n\xff,b,c\r\n", {"body.3": "format"}),
        (b'connection_id,resource,source_id\r\n1,vehicle,"a\r\nb"\r\n2,user,c\r\n', {
            "body.2.connection_id": "format",
            "body.4.connection_id": "format",
        }),
    ],
)  # fmt: skip
async def test_a_file_that_can_not_be_read_is_refused_with_the_line(
    id_map: IdMap, partner: Partner, content: bytes, faults: dict[str, str]
) -> None:
    assert await refusals(id_map, partner, content) == faults


async def test_of_very_many_faults_the_first_hundred_are_told(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    (taken,) = await pull(database, account, listed(VEHICLE, "there"))
    content = file(*((account, "vehicle", str(number), taken) for number in range(300)))
    with pytest.raises(InvalidImportError) as caught:
        await id_map.import_file(partner.id, content, apply=True)
    details = caught.value.details
    assert len(details) == 100
    assert {int(detail.path.split(".")[1]) for detail in details} <= set(range(2, 102))
    assert details[-1].message.endswith("More faults follow that are not listed here.")


async def insert_operation(database: Database, partner: Partner, account: UUID, **fields: Any) -> None:
    """An operation that ended long ago."""
    columns = {
        "resource": "message",
        "operation_type": "create",
        "resource_id": None,
        "source_id": None,
        "status": "failed",
        "directives": {"record_ids": {}},
        **fields,
    }
    await database.pool.execute(
        """
        INSERT INTO operations (id, partner_id, connection_id, resource, operation_type, resource_id, source_id,
            payload, directives, status, is_sync, created_at, updated_at, expires_at, settled_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, '{}', $8, $9, false, fleetwrite_now(), fleetwrite_now(),
            fleetwrite_now(), fleetwrite_now())
        """,
        new_id(),
        partner.id,
        account,
        columns["resource"],
        columns["operation_type"],
        columns["resource_id"],
        columns["source_id"],
        columns["directives"],
        columns["status"],
    )


async def test_the_id_of_a_record_that_operations_name_can_not_be_changed(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    written, recipient, in_a_group, free = await pull(
        database, account, listed(VEHICLE, "1"), listed(USER, "2"), listed(USER, "3"), listed(USER, "4")
    )
    await insert_operation(
        database, partner, account, resource="vehicle", status="success", resource_id=written, source_id="1"
    )
    await insert_operation(database, partner, account, directives={"record_ids": {"recipient_id": [str(recipient)]}})
    await insert_operation(
        database,
        partner,
        account,
        resource="group_message",
        directives={"record_ids": {"sender_id": [str(uuid4())], "recipient_ids": [str(uuid4()), str(in_a_group)]}},
    )
    content = file(
        (account, "vehicle", "1", uuid4()),
        (account, "user", "2", uuid4()),
        (account, "user", "3", uuid4()),
        (account, "user", "4", uuid4()),
    )
    conflicts = dict.fromkeys(("body.2.id", "body.3.id", "body.4.id"), "conflict")
    assert await refusals(id_map, partner, content) == conflicts
    same = file((account, "vehicle", "1", written), (account, "user", "2", recipient), (account, "user", "4", uuid4()))
    assert await id_map.import_file(partner.id, same, apply=True) == result(3, unchanged=2, ids_changed=1)
    assert free not in {one.id for one in await found(id_map, partner, source_ids=["4"])}


async def test_an_id_that_another_partner_may_have_kept_can_not_be_changed(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    await pull(database, account, listed(VEHICLE, "1"))
    other = await share_too(database, account, "other")
    brought = uuid4()
    content = file((account, "vehicle", "1", uuid4()), (account, "vehicle", "2", brought))
    assert await refusals(id_map, partner, content) == {"body.2.id": "conflict"}
    await id_map.import_file(partner.id, file((account, "vehicle", "2", brought)), apply=True)
    assert await refusals(id_map, other, file((account, "vehicle", "2", uuid4()))) == {"body.2.id": "conflict"}
    assert await id_map.import_file(other.id, file((account, "vehicle", "2", brought)), apply=True) == result(
        1, unchanged=1
    )


async def test_ids_can_not_be_brought_to_a_connection_that_is_gone(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    await database.pool.execute("UPDATE connections SET status = 'deleted'")
    content = file((account, "vehicle", "1", uuid4()))
    assert await refusals(id_map, partner, content) == {"body.2.connection_id": "unknown_id"}


async def test_an_import_that_is_overtaken_by_a_pull_finds_what_that_brought(
    id_map: IdMap, database: Database, account: UUID, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = uuid4()
    apply = id_import_store.apply
    overtaken: list[list[UUID]] = []

    async def pulled_first(connection: Connection, partner_id: UUID) -> None:
        if not overtaken:
            overtaken.append(await pull(database, account, listed(VEHICLE, "1", vehicle_name="fresh")))
        await apply(connection, partner_id)

    monkeypatch.setattr(id_import_store, "apply", pulled_first)
    done = await id_map.import_file(partner.id, file((account, "vehicle", "1", brought)), apply=True)
    assert done == result(1, ids_changed=1)
    (mapping,) = await found(id_map, partner, ids=[brought])
    assert (mapping.state, mapping.name) == (MappingState.KNOWN, "fresh")


# The partner's own names


async def test_a_record_is_found_by_the_partners_own_name_and_by_nobody_elses(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    south = await connect(database, partner, "south")
    (north_id,) = await pull(database, account, listed(VEHICLE, "1"))
    other = await share_too(database, account, "other")
    content = file((account, "vehicle", "1", "T-1"), (south, "vehicle", "9", "T-1"), columns=WITH_REFS)
    assert await id_map.import_file(partner.id, content, apply=True) == result(2, ids_reserved=1, record_refs_set=2)
    theirs = file((account, "vehicle", "1", "T-2"), columns=WITH_REFS)
    assert await id_map.import_file(other.id, theirs, apply=True) == result(1, record_refs_set=1)
    one, two = await found(id_map, partner, record_refs=["T-1"])
    assert (one.id, one.record_ref, one.state) == (north_id, "T-1", MappingState.KNOWN)
    assert (two.id, two.source_id, two.state) == (record_id(south, VEHICLE, "9"), "9", MappingState.RESERVED)
    assert await found(id_map, partner, record_refs=["T-2"]) == []
    assert [one.record_ref for one in await found(id_map, other, record_refs=["T-2"])] == ["T-2"]
    assert [one.source_id for one in await found(id_map, partner, record_refs=["T-1"], connection_id=south)] == ["9"]


async def test_a_name_can_be_changed_exchanged_removed_and_left_alone(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    async def refs() -> dict[str, str | None]:
        return {one.source_id: one.record_ref for one in await found(id_map, partner, source_ids=["1", "2", "3"])}

    async def bring(*rows: tuple[Any, ...], columns: tuple[str, ...] = WITH_REFS) -> ImportResult:
        of_vehicles = [(account, "vehicle", *row) for row in rows]
        return await id_map.import_file(partner.id, file(*of_vehicles, columns=columns), apply=True)

    await pull(database, account, *(listed(VEHICLE, str(number)) for number in (1, 2, 3)))
    await bring(("1", "a"), ("2", "b"), ("3", "c"))
    assert await bring(("1", "b"), ("2", "a"), ("3", "")) == result(3, record_refs_set=2, record_refs_removed=1)
    assert await refs() == {"1": "b", "2": "a", "3": None}
    assert await bring(("1",), columns=("connection_id", "resource", "source_id")) == result(1, unchanged=1)
    assert await bring(("3", "b"), ("1", "")) == result(2, record_refs_set=1, record_refs_removed=1)
    assert await refs() == {"1": None, "2": "a", "3": "b"}


async def test_one_name_for_two_records_of_a_connection_is_refused(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    await id_map.import_file(partner.id, file((account, "vehicle", "1", "T-1"), columns=WITH_REFS), apply=True)
    content = file(
        (account, "vehicle", "2", "T-1"),
        (account, "vehicle", "3", "T-3"),
        (account, "vehicle", "4", "T-3"),
        (account, "trailer", "1", "T-1"),
        (account, "vehicle", "5", "x" * 256),
        columns=WITH_REFS,
    )
    assert await refusals(id_map, partner, content) == {
        "body.2.record_ref": "conflict",
        "body.4.record_ref": "conflict",
        "body.6.record_ref": "range",
    }
