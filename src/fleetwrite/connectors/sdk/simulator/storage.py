"""What a simulator keeps: its records, a few settings, and the log of every call.

Reads are served from memory. Writes go through to SQLite at once, and those of one call are committed
together with its log entry before the answer leaves: what was answered is on record, and what is in the log
was decided.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from fleetwrite.kit.errors import FleetwriteError

Record = dict[str, Any]
"""One object as the simulator stores it; plain JSON values only."""

# A read of the log never holds more rows than this in memory, nor the event loop for longer than they take.
LOG_PAGE = 1000

# How long to wait for the lock of a predecessor that is just ending, in seconds.
LOCK_TIMEOUT_S = 1.0

# WAL with synchronous=OFF: a commit hands its pages to the operating system without waiting for the disk.
# They are safe from then on against the death of this process in any form, which is what a simulator is
# killed for; only a crash of the machine could lose them. One commit takes some 20 microseconds, so that each
# call can have its own. The exclusive lock keeps a second simulator off the same directory; the system drops
# it when the process dies.
_SETUP = """
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS requests (sequence INTEGER PRIMARY KEY, entry BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS records (
    position INTEGER PRIMARY KEY,
    organization TEXT NOT NULL,
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    record BLOB NOT NULL,
    UNIQUE (organization, collection, id)
);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""


class SimulatorInUseError(FleetwriteError):
    """Another process simulates on the same data directory: stop it, or use another directory."""


class Storage:
    """The data of one simulator in one SQLite file.

    Not safe for threads; meant for one event loop, whose handlers do not await between their first write and
    the commit.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            SimulatorInUseError: another process has it open.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=LOCK_TIMEOUT_S, isolation_level=None)
        try:
            self._connection.executescript(_SETUP)
            self._load()
        except sqlite3.OperationalError as error:
            self._connection.close()
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise SimulatorInUseError(
                    f"{path} is in use by another simulator: stop that one, or choose another data directory"
                ) from error
            raise

    def _load(self) -> None:
        self._records: dict[tuple[str, str], dict[str, Record]] = defaultdict(dict)
        for organization, collection, key, record in self._connection.execute(
            "SELECT organization, collection, id, record FROM records ORDER BY position"
        ):
            self._records[organization, collection][key] = msgspec.json.decode(record)
        self._settings: dict[str, Any] = {
            name: msgspec.json.decode(value)
            for name, value in self._connection.execute("SELECT name, value FROM settings")
        }
        (self._sequence,) = self._connection.execute("SELECT coalesce(max(sequence), 0) FROM requests").fetchone()

    def close(self) -> None:
        """Close the file; what was not committed is undone."""
        self._connection.close()

    def collection(self, organization: str, collection: str) -> dict[str, Record]:
        """Return the records by id, oldest first. For reading only: changes go through ``put`` and
        ``delete``.
        """
        return self._records[organization, collection]

    def setting(self, name: str) -> Any:
        """Return a stored setting, or None."""
        return self._settings.get(name)

    def put(self, organization: str, collection: str, key: str, record: Record) -> None:
        """Insert or replace a record; a replaced one keeps its place in the order."""
        self._begin()
        self._connection.execute(
            "INSERT INTO records (organization, collection, id, record) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (organization, collection, id) DO UPDATE SET record = excluded.record",
            (organization, collection, key, msgspec.json.encode(record)),
        )
        self._records[organization, collection][key] = record

    def delete(self, organization: str, collection: str, key: str) -> None:
        """Remove a record."""
        self._begin()
        self._connection.execute(
            "DELETE FROM records WHERE organization = ? AND collection = ? AND id = ?",
            (organization, collection, key),
        )
        del self._records[organization, collection][key]

    def set(self, name: str, value: object) -> None:
        """Store a setting; any value that JSON can hold."""
        self._begin()
        self._connection.execute(
            "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, msgspec.json.encode(value)),
        )
        self._settings[name] = value

    def next_number(self, name: str, first: int) -> int:
        """Return the next of a row of numbers that begins with ``first`` and never repeats, not even after a
        restart.
        """
        number: int = self._settings.get(name, first)
        self.set(name, number + 1)
        return number

    def log(self, entry: dict[str, Any]) -> int:
        """Append a call to the log, commit it with everything its handling wrote, and return its sequence
        number.
        """
        sequence: int = self._sequence + 1
        row = (sequence, msgspec.json.encode({"sequence": sequence, **entry}))
        try:
            self._begin()
            self._connection.execute("INSERT INTO requests VALUES (?, ?)", row)
            self.commit()
        except sqlite3.Error:
            self.rollback()
            raise
        self._sequence = sequence
        return sequence

    def commit(self) -> None:
        """Make the writes since the last commit safe against the death of this process."""
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the writes since the last commit, in the file and in memory."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
            self._load()

    def log_pages(self, since: int) -> Iterator[list[bytes]]:
        """Yield the entries above ``since`` that are there now, as JSON, oldest first, a page at a time."""
        last = self._sequence
        while since < last:
            upper = min(since + LOG_PAGE, last)
            yield [
                entry
                for (entry,) in self._connection.execute(
                    "SELECT entry FROM requests WHERE sequence > ? AND sequence <= ? ORDER BY sequence",
                    (since, upper),
                )
            ]
            since = upper

    def _begin(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN")
