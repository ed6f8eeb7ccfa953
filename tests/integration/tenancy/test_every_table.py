"""Every table under another partner's name, with no query narrowing anything: nothing leaks.

The tables are those that PostgreSQL has. One that is new has to be guarded by its migration, and to have rows in
`two_partners`, or these tests fail.
"""

import re
from uuid import UUID

import asyncpg
import pytest

from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.kit.database import Connection
from fleetwrite.kit.tenancy import PARTNER_ROLE, SYSTEM_ROLE, Nameless, acting_for, naming
from integration.tenancy.tables import Table, rows_shown
from integration.tenancy.two_partners import Party, TwoPartners

NOBODYS = {"clock_shift", "paused_tsps"}
"""What partners may read and is about none of them: the clock, and which providers the operator has paused."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

# What a fleet that shares with both shows to both.
_SHARED = """
    SELECT c.fleet_id FROM connections c WHERE c.id = $1
    UNION SELECT $1
    UNION SELECT id FROM records WHERE connection_id = $1
    UNION SELECT id FROM schedules WHERE connection_id = $1
    UNION SELECT x.id FROM executions x JOIN schedules s ON s.id = x.schedule_id WHERE s.connection_id = $1
"""


async def private_texts(two: TwoPartners, tables: list[Table], party: Party) -> set[str]:
    """The ids that a partner sees and nobody else should, and its mark."""
    database = two.services.database
    seen = {
        found
        for table in tables
        if table.readable
        for row in await rows_shown(database, table, party.id)
        for found in _UUID.findall(row)
    }
    shared = {str(row[0]) for row in await database.pool.fetch(_SHARED, two.shared.id)}
    # Events name the provider, by an id that is the same everywhere.
    return seen - shared - {str(tsp_id("samsara"))} | {party.mark}


async def test_every_table_is_guarded(two: TwoPartners) -> None:
    rows = await two.services.database.pool.fetch(
        """
        SELECT relname, relrowsecurity AND relforcerowsecurity AS guarded, pg_get_userbyid(relowner) AS owner,
            ARRAY(SELECT polname::text FROM pg_policy WHERE polrelid = c.oid ORDER BY 1) AS policies
        FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        """
    )
    assert len(rows) > 40
    assert [row["relname"] for row in rows if not row["guarded"]] == []
    assert [row["relname"] for row in rows if row["owner"] in {SYSTEM_ROLE, PARTNER_ROLE}] == []
    assert [row["relname"] for row in rows if row["policies"] not in (["everything"], ["everything", "own"])] == []


async def test_no_view_or_function_is_a_way_around(two: TwoPartners) -> None:
    pool = two.services.database.pool
    views = await pool.fetch(
        """
        SELECT relname, relkind::text AS kind, reloptions FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm', 'f')
        """
    )
    assert {row["kind"] for row in views} == {"v"}
    of_the_owner = [row["relname"] for row in views if "security_invoker=true" not in (row["reloptions"] or [])]
    assert of_the_owner == ["fleetwrite_partner_connections"]
    definers = await pool.fetch(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef ORDER BY 1"
    )
    assert [row["proname"] for row in definers] == ["fleetwrite_records_with"]


async def test_what_the_owner_looks_up_for_partners_is_about_their_own_connections(two: TwoPartners) -> None:
    database = two.services.database
    look_up = "SELECT fleetwrite_records_with($1, 'username', '{d1}')"
    for party in (two.acme, two.umbrella):
        foreign = UUID(two.other(party).own.id)
        assert await database.pool.fetchval(look_up, foreign) == [UUID(two.other(party).own.records["driver"])]
        with acting_for(party.id):
            async with database.acquire() as connection:
                seen = await connection.fetch("SELECT id FROM fleetwrite_partner_connections")
                assert {UUID(party.own.id), UUID(two.shared.id)} <= {row["id"] for row in seen}
                assert foreign not in {row["id"] for row in seen}
                own = await connection.fetchval(look_up, UUID(party.own.id))
                assert own == [UUID(party.own.records["driver"])]
                assert await connection.fetchval(look_up, foreign) == []


async def test_neither_role_has_a_power_beside_its_grants(two: TwoPartners) -> None:
    pool = two.services.database.pool
    roles = await pool.fetch("SELECT * FROM pg_roles WHERE rolname = ANY($1)", [SYSTEM_ROLE, PARTNER_ROLE])
    powers = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolcanlogin", "rolreplication")
    assert len(roles) == 2
    assert [(row["rolname"], power) for row in roles for power in powers if row[power]] == []
    assert (
        await pool.fetchval(
            "SELECT count(*) FROM pg_auth_members WHERE member = ANY($1::regrole[])", [SYSTEM_ROLE, PARTNER_ROLE]
        )
        == 0
    )
    # Row level security knows nothing of these.
    passing_by = await pool.fetch(
        """
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
            AND (has_table_privilege($1, oid, 'TRUNCATE') OR has_table_privilege($1, oid, 'TRIGGER')
                OR has_table_privilege($1, oid, 'REFERENCES'))
        """,
        PARTNER_ROLE,
    )
    assert passing_by == []
    assert not await pool.fetchval(
        "SELECT has_column_privilege($1, 'connections', 'credentials_sealed', 'SELECT')", PARTNER_ROLE
    )


async def test_each_partner_has_rows_wherever_partners_may_look(two: TwoPartners, tables: list[Table]) -> None:
    database = two.services.database
    for party in (two.acme, two.umbrella):
        empty = [t.name for t in tables if t.readable and not await rows_shown(database, t, party.id)]
        assert set(empty) <= NOBODYS
        assert len([t for t in tables if t.readable]) > 20


async def test_nothing_of_another_partner_is_shown(two: TwoPartners, tables: list[Table]) -> None:
    for party in (two.acme, two.umbrella):
        private = await private_texts(two, tables, two.other(party))
        assert len(private) > 100
        leaking = {
            table.name: row
            for table in tables
            if table.readable
            for row in await rows_shown(two.services.database, table, party.id)
            if any(text in row for text in private)
        }
        assert leaking == {}


async def test_to_nobody_nothing_is_shown(two: TwoPartners, tables: list[Table]) -> None:
    shown = [
        table.name
        for table in tables
        if table.readable and await rows_shown(two.services.database, table, Nameless.NOBODY)
    ]
    assert set(shown) <= NOBODYS


async def test_where_no_partner_has_any_business_it_is_refused_altogether(
    two: TwoPartners, tables: list[Table]
) -> None:
    hidden = [table for table in tables if not table.readable]
    assert {"jobs", "lanes", "clients", "signing_keys", "audit_log", "login_sessions"} <= {t.name for t in hidden}
    for table in hidden:
        assert (table.insertable, table.updatable, table.deletable) == (False, False, False)
        with pytest.raises(asyncpg.InsufficientPrivilegeError), acting_for(two.acme.id):
            async with two.services.database.acquire() as connection:
                await connection.execute(f'SELECT FROM "{table.name}"')


async def versions(connection: Connection, table: Table) -> dict[str, str]:
    """All rows of a table by their places, with the transaction that wrote or deleted them last."""
    rows = await connection.fetch(f'SELECT ctid::text AS place, xmin::text || xmax::text AS by FROM "{table.name}"')  # noqa: S608 - ours
    return {row["place"]: row["by"] for row in rows}


async def changed_as(two: TwoPartners, table: Table, party: Party, statement: str) -> tuple[int, int]:
    """How many rows a statement without any condition changes in a partner's name, and how many that one sees.

    It is taken back.
    """
    database = two.services.database
    shown = len(await rows_shown(database, table, party.id))
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        before = await versions(connection, table)
        await connection.execute(naming(party.id))
        await connection.execute(statement)
        await connection.execute(naming(Nameless.SYSTEM))
        after = await versions(connection, table)
        await transaction.rollback()
    return len(before.items() - after.items()), shown


async def test_an_update_without_a_condition_touches_ones_own_rows_alone(two: TwoPartners, tables: list[Table]) -> None:
    updatable = [table for table in tables if table.updatable]
    assert len(updatable) > 8
    for table in updatable:
        column = next(name for name in table.stored if name not in {"id", "status"})
        statement = f'UPDATE "{table.name}" SET "{column}" = "{column}"'  # noqa: S608 - names of the schema
        touched, shown = await changed_as(two, table, two.umbrella, statement)
        assert (table.name, touched) == (table.name, shown)
        assert touched < await total(two, table)


async def test_a_delete_without_a_condition_touches_ones_own_rows_alone(two: TwoPartners, tables: list[Table]) -> None:
    deletable = [table for table in tables if table.deletable]
    assert {table.name for table in deletable} == {"partner_properties", "operation_secrets"}
    for table in deletable:
        touched, shown = await changed_as(two, table, two.umbrella, f'DELETE FROM "{table.name}"')  # noqa: S608 - ours
        assert (table.name, touched) == (table.name, shown)
        assert touched < await total(two, table)


async def total(two: TwoPartners, table: Table) -> int:
    count: int = await two.services.database.pool.fetchval(f'SELECT count(*) FROM "{table.name}"')  # noqa: S608 - ours
    return count


async def refused(two: TwoPartners, party: Party, statement: str, value: object) -> str:
    """What the database says to a statement in a partner's name that it refuses."""
    with acting_for(party.id):
        async with two.services.database.acquire() as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError) as error:
                await connection.execute(statement, value)
    return str(error.value)


async def test_a_row_in_another_partner_s_name_is_refused(two: TwoPartners, tables: list[Table]) -> None:
    insertable = [table for table in tables if table.insertable]
    assert len(insertable) > 8
    for table in insertable:
        columns = ", ".join(f'"{name}"' for name in table.stored)
        statement = f"""
            INSERT INTO "{table.name}" ({columns})
            SELECT {columns} FROM jsonb_populate_record(NULL::"{table.name}", $1)
        """  # noqa: S608 - names of the schema
        for row in await hidden_rows(two, table, two.umbrella):
            told = await refused(two, two.umbrella, statement, row)
            assert "row-level security" in told, (table.name, told)


async def hidden_rows(two: TwoPartners, table: Table, party: Party) -> list[object]:
    """A few of the rows that a partner does not see."""
    database = two.services.database
    with acting_for(party.id):
        async with database.acquire() as connection:
            places = await connection.fetch(f'SELECT ctid::text FROM "{table.name}"')  # noqa: S608 - as above
    rows = await database.pool.fetch(
        f'SELECT to_jsonb(t) AS row FROM "{table.name}" t WHERE ctid::text <> ALL($1) LIMIT 3',  # noqa: S608 - as above
        [row["ctid"] for row in places],
    )
    assert rows, table.name
    return [row["row"] for row in rows]


async def test_ones_own_row_cannot_be_given_away(two: TwoPartners, tables: list[Table]) -> None:
    owned = [table for table in tables if table.updatable and "partner_id" in table.stored]
    assert len(owned) > 5
    for table in owned:
        statement = f'UPDATE "{table.name}" SET partner_id = $1'  # noqa: S608 - a name of the schema
        told = await refused(two, two.umbrella, statement, two.acme.id)
        assert "row-level security" in told, (table.name, told)
