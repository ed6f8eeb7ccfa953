"""The one clock: time that decides anything comes from the database, through a function that tests can
shift.
"""

from datetime import datetime

from fleetwrite.kit.database import Connection


async def database_now(connection: Connection) -> datetime:
    """Return the database's time, aware, in UTC; in SQL use ``fleetwrite_now()`` itself."""
    now: datetime = await connection.fetchval("SELECT fleetwrite_now()")
    return now
