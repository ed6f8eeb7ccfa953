"""Appends to the audit log, reads it, and finds out whether it is as it was written."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.audit import store
from fleetwrite.audit.errors import BadHeadError, TamperedLogError
from fleetwrite.audit.models import Actor, Deed, Entry, Head, Wanted
from fleetwrite.kit.database import Connection, Database, as_system

_FIRST_HASH: Final = bytes(32)
"""What stands for the hash before the first entry."""

_PAGE: Final = 1000


async def append(
    connection: Connection, actor: Actor, deed: Deed, object_id: UUID | str, details: Mapping[str, Any] | None = None
) -> None:
    """Write down a deed in the transaction in which it is done: both are there, or neither.

    Call it last in the transaction. Until that ends nobody else can append, so whoever waited for something in between
    would hold up all, and two could wait for each other. For deeds that are rare: administration and security. What
    partners write has a timeline of its own.

    Args:
        connection: in the transaction of the deed.
        actor: who did it.
        deed: what.
        object_id: to what, as the deed's first word says.
        details: what else one would like to know, as JSON has it. No secret.
    """
    # As the system: it is one chain for all, in which nobody else reads.
    async with as_system(connection):
        at = await store.lock_chain(connection)
        before = await store.head(connection)
        entry = Entry(
            id=1 if before is None else before.id + 1,
            at=at,
            actor_kind=actor.kind.value,
            actor=actor.name,
            partner_id=actor.partner_id,
            address=actor.address,
            request_id=actor.request_id,
            deed=deed.value,
            object_id=str(object_id),
            details=msgspec.json.encode(details or {}, order="sorted").decode(),
            previous_hash=_FIRST_HASH if before is None else before.hash,
            hash=b"",
        )
        await store.insert(connection, msgspec.structs.replace(entry, hash=entry.hash_of()))


async def entries(database: Database, wanted: Wanted) -> AsyncIterator[Entry]:
    """The entries that are wanted, oldest first; a page at a time is in memory."""
    last = 0
    while True:
        async with database.acquire() as connection:
            page = await store.after(connection, last, wanted, _PAGE)
        for entry in page:
            yield entry
        if len(page) < _PAGE:
            return
        last = page[-1].id


async def verify(database: Database, noted: Head | None = None) -> Head | None:
    """Make sure that every entry is as it was written, in its place, and that none is missing before the newest.

    Args:
        database: where the log is.
        noted: an entry that was the newest once; without it nobody can tell whether the end was cut off.

    Returns:
        The newest entry; None: the log is empty.

    Raises:
        TamperedLogError: something was changed, put in or taken out.
    """
    head = Head(id=0, hash=_FIRST_HASH)
    async for entry in entries(database, Wanted()):
        if entry.id != head.id + 1:
            raise TamperedLogError(f"The entry {head.id + 1} is missing: the next one is {entry.id}.")
        if entry.previous_hash != head.hash or entry.hash != entry.hash_of():
            raise TamperedLogError(f"The entry {entry.id} is not as it was written, or one before it.")
        head = Head(id=entry.id, hash=entry.hash)
        if noted is not None and noted.id == head.id and noted.hash != head.hash:
            raise TamperedLogError(f"The entry {entry.id} is another one than the one that was noted.")
    if noted is not None and noted.id > head.id:
        raise TamperedLogError(f"The end was cut off: {noted.id} was noted, the newest entry is {head.id}.")
    return head if head.id else None


def parse_head(text: str) -> Head:
    """Read what `str(Head)` wrote.

    Raises:
        BadHeadError: it is something else.
    """
    number, _, digest = text.partition(":")
    try:
        head = Head(id=int(number), hash=bytes.fromhex(digest))
    except ValueError:
        head = None
    if head is None or len(head.hash) != len(_FIRST_HASH):
        raise BadHeadError(f"{text!r} is no noted head: it is a number, a colon, and a hash in hexadecimal.")
    return head
