"""Another master key takes over while the system runs, and an old one leaves."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog
from msgspec import Struct

from fleetwrite.audit import trail
from fleetwrite.audit.models import FLEETWRITE, Actor, Deed
from fleetwrite.kit.database import Database
from fleetwrite.vault import store
from fleetwrite.vault.errors import RotationRefusedError, SealBrokenError
from fleetwrite.vault.places import PLACES, Place
from fleetwrite.vault.service import Vault

_log = structlog.get_logger(__name__)

BATCH: Final = 200
"""Secrets re-wrapped in one transaction: their rows are held for about 10 ms."""

REST: Final = timedelta(minutes=10)
"""How long an old key is kept at least after it ceased to seal: what was sealed a moment before may wait for a
provider's answer, or for the database, until it is stored. No request and no attempt of ours takes nearly that long."""

_ACKNOWLEDGED_WITHIN_S: Final = 30.0
_POLL_S: Final = 0.1
_SETTLED_WITHIN_S: Final = 60.0
"""For so long rows that others hold are tried again; no transaction of ours holds one for more than moments."""


class KeyState(Struct, frozen=True, kw_only=True):
    """A master key as an operator sees it; `secrets` counts what is sealed with it, by table and column."""

    key_id: str
    seals: bool
    is_loaded: bool
    secrets: Mapping[str, int]


class HolderState(Struct, frozen=True, kw_only=True):
    """A running process: the keys it has, and with which it seals."""

    name: str
    key_ids: Sequence[str]
    seals_with: str


class VaultStatus(Struct, frozen=True, kw_only=True):
    """All master keys that are loaded or that the database needs, and all running processes."""

    keys: Sequence[KeyState]
    processes: Sequence[HolderState]


class Rotated(Struct, frozen=True, kw_only=True):
    """What a rotation came to.

    Attributes:
        key_id: seals everything now.
        rewrapped: how many secrets changed their key.
        broken: those that open with no key that is loaded, and were left as they are.
    """

    key_id: str
    rewrapped: int
    broken: Sequence[str]


class Rotation:
    """Changes of master keys. Each can be broken off at any point, and begun again."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def status(self) -> VaultStatus:
        """Which keys there are, who has them, and what is sealed with each."""
        async with self._database.acquire() as connection:
            canaries = {canary.key_id: canary for canary in await store.canaries(connection)}
            holders = await store.holders(connection)
            counts = {place.name: await store.count(connection, place) for place in PLACES}
        sealed_with = {key_id for of_place in counts.values() for key_id in of_place}
        return VaultStatus(
            keys=[
                KeyState(
                    key_id=key_id.hex(),
                    seals=key_id in canaries and canaries[key_id].seals,
                    is_loaded=key_id in self._vault.key_ids,
                    secrets={name: of_place[key_id] for name, of_place in counts.items() if key_id in of_place},
                )
                for key_id in dict.fromkeys((*canaries, *self._vault.key_ids, *sorted(sealed_with)))
            ],
            processes=[
                HolderState(
                    name=f"{holder.name} ({holder.pid})",
                    key_ids=[key_id.hex() for key_id in holder.key_ids],
                    seals_with=holder.sealing_id.hex(),
                )
                for holder in holders
            ],
        )

    async def rotate(self, on_progress: Callable[[str, int], None], *, actor: Actor = FLEETWRITE) -> Rotated:
        """Let the newest key of this process seal, and put everything under it.

        Args:
            on_progress: is told after each batch the table, and how many secrets of it are done.
            actor: who has it done.

        Raises:
            RotationRefusedError: a running process lacks the key, or does not follow. What seals did not change in
                the first case.
        """
        await self._let_newest_seal()
        self._vault.seal_with(self._vault.newest_id)
        await self._until_all_follow()
        done = 0
        broken: dict[str, None] = {}
        for place in PLACES:
            done += await self._rewrap(place, broken, on_progress)
        async with self._database.transaction() as connection:
            told = {"rewrapped": done, "broken": len(broken)}
            await trail.append(connection, actor, Deed.KEY_ROTATED, self._vault.newest_id.hex(), told)
        _log.info("vault.rotated", key_id=self._vault.newest_id.hex(), rewrapped=done, broken=len(broken))
        return Rotated(key_id=self._vault.newest_id.hex(), rewrapped=done, broken=list(broken))

    async def remove(self, key_id: bytes, *, actor: Actor = FLEETWRITE) -> None:
        """Need a key no more: from now on processes start without it.

        Raises:
            RotationRefusedError: it seals, something is sealed with it still, or may be in a moment.
        """
        async with self._database.transaction() as connection:
            await store.lock_key_making(connection)
            if key_id == await store.sealing_key(connection):
                raise RotationRefusedError(f"The key {key_id.hex()} seals: let another one do that first, by rotating.")
            until = await store.rests_until(connection, key_id, REST)
            if until is not None:
                raise RotationRefusedError(
                    f"The key {key_id.hex()} sealed until a moment ago, and what it sealed may not be stored yet: try "
                    f"again after {until.isoformat(timespec='seconds')}."
                )
            await store.stop_writes(connection)
            left = {place.name: (await store.count(connection, place)).get(key_id, 0) for place in PLACES}
            if any(left.values()):
                told = ", ".join(f"{number} in {table}" for table, number in left.items() if number)
                raise RotationRefusedError(
                    f"Secrets are sealed with the key {key_id.hex()} still: {told}. Rotate again."
                )
            await store.remove_canary(connection, key_id)
            await trail.append(connection, actor, Deed.KEY_REMOVED, key_id.hex())

    async def _let_newest_seal(self) -> None:
        newest = self._vault.newest_id
        async with self._database.transaction() as connection:
            await store.lock_key_making(connection)
            if await store.sealing_key(connection) == newest:
                return
            await store.add_canary(connection, self._vault.newest_canary(), seals=False)
        # From here on nobody starts without the new key; those that run have told what they have.
        async with self._database.transaction() as connection:
            await store.lock_key_making(connection)
            lacking = [holder for holder in await store.holders(connection) if newest not in holder.key_ids]
            if not lacking:
                # Once more: a rotation that was refused at the same time has taken it away.
                await store.add_canary(connection, self._vault.newest_canary(), seals=False)
                await store.let_seal(connection, newest)
                return
            await store.remove_canary(connection, newest)
        raise RotationRefusedError(
            f"Not all running processes have the key {newest.hex()}: {_named(lacking)} lack it. Restart them with it, "
            "then rotate. Nothing was changed."
        )

    async def _until_all_follow(self) -> None:
        newest = self._vault.newest_id
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + _ACKNOWLEDGED_WITHIN_S
        while True:
            async with self._database.acquire() as connection:
                late = [holder for holder in await store.holders(connection) if holder.sealing_id != newest]
            if not late:
                return
            if loop.time() > give_up_at:
                raise RotationRefusedError(
                    f"These processes do not answer, and seal with another key still: {_named(late)}. End or restart "
                    "them, then rotate again. Nothing is lost: both keys open."
                )
            await asyncio.sleep(_POLL_S)

    async def _rewrap(self, place: Place, broken: dict[str, None], on_progress: Callable[[str, int], None]) -> int:
        """Put a place under the key that seals, and say how many secrets that were.

        Passes are made until there is nothing left: what others hold in one is found in the next.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + _SETTLED_WITHIN_S
        done = 0
        while True:
            after: Any = None
            while (batch := await self._rewrap_batch(place, after, broken)) is not None:
                after, count = batch
                done += count
                on_progress(place.name, done)
            async with self._database.acquire() as connection:
                counts = await store.count(connection, place)
            left = sum(number for key_id, number in counts.items() if key_id != self._vault.sealing_id)
            if left <= sum(1 for one in broken if one.startswith(f"{place.name} ")):
                return done
            if loop.time() > give_up_at:
                raise RotationRefusedError(
                    f"{left} secrets in {place.name} are held by somebody else all the time: rotate again later."
                )
            await asyncio.sleep(_POLL_S)

    async def _rewrap_batch(self, place: Place, after: Any, broken: dict[str, None]) -> tuple[Any, int] | None:
        """The last key of a batch, and how many secrets of it were re-wrapped; None: there was nothing left."""
        rewrapped: list[tuple[Any, bytes]] = []
        async with self._database.transaction() as connection:
            rows = await store.lock_batch(connection, place, self._vault.sealing_id, after, BATCH)
            for row in rows:
                what = f"{place.name} {row['key']}"
                try:
                    rewrapped.append((row["key"], self._vault.rewrap(row["sealed"], what)))
                except SealBrokenError:
                    broken[what] = None
            await store.put_batch(connection, place, rewrapped)
        return (rows[-1]["key"], len(rewrapped)) if rows else None


def _named(holders: Sequence[store.Holder]) -> str:
    return ", ".join(f"{holder.name} (database session {holder.pid})" for holder in holders)
