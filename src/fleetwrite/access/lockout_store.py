"""SQL of failed token requests.

A failure is counted under `known` where the client is at home at the address, else under `address` and `client`.
"""

from msgspec import Struct

from fleetwrite.kit.database import Connection

_IS_KNOWN = """
    EXISTS (
        SELECT FROM client_addresses
        WHERE client_id = $1 AND address = $2 AND succeeded_at > fleetwrite_now() - interval '30 days'
    )
"""

_SUBJECTS = f"""
    SELECT kind, subject FROM (VALUES
        ('known', $1::text || ' ' || $2::text, true), ('address', $2, false), ('client', $1, false)
    ) AS one (kind, subject, if_known)
    WHERE subject <> '' AND if_known = {_IS_KNOWN}
"""  # noqa: S608 - our own text


class Lock(Struct, frozen=True, kw_only=True):
    """A lock that a failure brought about; `lasts_s` in seconds."""

    kind: str
    failures: int
    lasts_s: int


async def longest_wait(connection: Connection, client_id: str, source: str) -> int | None:
    """How many seconds, rounded up, a client may not try from a source; None: it may."""
    seconds: int | None = await connection.fetchval(
        f"""
        SELECT ceil(extract(epoch FROM max(locked_until) - fleetwrite_now()))::integer
        FROM login_failures JOIN ({_SUBJECTS}) AS wanted USING (kind, subject)
        WHERE locked_until > fleetwrite_now()
        """,  # noqa: S608 - our own text
        client_id,
        source,
    )
    return seconds


async def count_failure(connection: Connection, client_id: str, source: str, free: int, longest_s: int) -> list[Lock]:
    """Count a failure, forget those of which an hour of quiet has passed, and return the locks it brought about."""
    rows = await connection.fetch(
        f"""
        INSERT INTO login_failures AS old (kind, subject, failures, failed_at, locked_until)
        SELECT kind, subject, 1, fleetwrite_now(), '-infinity' FROM ({_SUBJECTS}) AS wanted
        -- In the same order everywhere, so that two that fail at once do not wait for each other.
        ORDER BY kind
        ON CONFLICT (kind, subject) DO UPDATE SET
            failures = CASE WHEN old.failed_at > fleetwrite_now() - interval '1 hour' THEN old.failures + 1 ELSE 1 END,
            failed_at = fleetwrite_now(),
            locked_until = CASE
                WHEN old.failures >= $3 AND old.failed_at > fleetwrite_now() - interval '1 hour'
                -- 2^20 s is beyond any longest lock, and a larger exponent would leave the range of numbers one day.
                THEN fleetwrite_now() + least(2 ^ least(old.failures - $3, 20), $4) * interval '1 second'
                ELSE '-infinity'
            END
        RETURNING kind, failures, ceil(extract(epoch FROM
            CASE WHEN locked_until > fleetwrite_now() THEN locked_until - fleetwrite_now() END))::integer AS lasts_s
        """,  # noqa: S608 - our own text
        client_id,
        source,
        free,
        longest_s,
    )
    await connection.execute(
        """
        DELETE FROM login_failures WHERE (kind, subject) IN (
            SELECT kind, subject FROM login_failures WHERE failed_at < fleetwrite_now() - interval '1 hour'
            LIMIT 100 FOR UPDATE SKIP LOCKED
        )
        """
    )
    return [Lock(**row) for row in rows if row["lasts_s"] is not None]


async def note_success(connection: Connection, client_id: str, source: str) -> None:
    """Note that a client got a token at a source; a new row a day is enough."""
    await connection.execute(
        """
        INSERT INTO client_addresses AS old (client_id, address, succeeded_at) VALUES ($1, $2, fleetwrite_now())
        ON CONFLICT (client_id, address) DO UPDATE SET succeeded_at = excluded.succeeded_at
        WHERE old.succeeded_at < excluded.succeeded_at - interval '1 day'
        """,
        client_id,
        source,
    )
    await connection.execute(
        "DELETE FROM login_failures WHERE kind = 'known' AND subject = $1::text || ' ' || $2::text", client_id, source
    )
    await connection.execute(
        "DELETE FROM client_addresses WHERE client_id = $1 AND succeeded_at < fleetwrite_now() - interval '30 days'",
        client_id,
    )
