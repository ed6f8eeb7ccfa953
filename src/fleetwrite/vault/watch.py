"""Keeps a process sealing with the key that the database says, and tells the others which keys it has."""

import asyncio
from types import TracebackType
from typing import Final, Self

import structlog

from fleetwrite.kit.database import DATABASE_FAILURES, Connection, Database, Listener
from fleetwrite.kit.ids import new_id
from fleetwrite.vault import store
from fleetwrite.vault.service import Vault

_log = structlog.get_logger(__name__)

_TRY_AGAIN_S: Final = 1.0


class KeyWatch:
    """While it is open, a rotation counts this process among those that must have the new key.

    Use it as an async context manager. Open it before `Vault.verify_keys`: a key that begins to seal in between is
    then either seen here at the start, or waits for us.
    """

    def __init__(self, database_url: str, database: Database, vault: Vault, *, name: str) -> None:
        self._database = database
        self._vault = vault
        self._name = name
        self._process = new_id()
        self._changed = asyncio.Event()
        self._listener = Listener(
            database_url,
            {store.CHANNEL: self._changed.set},
            application_name=store.WATCH_NAME + name,
            on_connect=self._note_keys,
        )
        self._follower: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Tell which keys there are here, and listen; raises what `Listener` raises."""
        await self._listener.__aenter__()
        self._follower = asyncio.create_task(self._follow(), name="vault-key-watch")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.wait({self._follower})
        await self._listener.__aexit__(kind, error, trace)

    async def _note_keys(self, connection: Connection) -> None:
        await store.note_holder(connection, self._process, self._name, self._vault.key_ids)

    async def _follow(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                async with self._database.acquire() as connection:
                    await self._seal_with_the_right_one(connection)
            except DATABASE_FAILURES as error:
                _log.warning("vault.key_watch_failed", reason=str(error))
                await asyncio.sleep(_TRY_AGAIN_S)
                self._changed.set()

    async def _seal_with_the_right_one(self, connection: Connection) -> None:
        sealing_id = await store.sealing_key(connection)
        if sealing_id is None:
            return
        if sealing_id not in self._vault.key_ids:
            _log.error("vault.key_missing", key_id=sealing_id.hex(), remedy="restart this process with that key")
            return
        if sealing_id != self._vault.sealing_id:
            _log.info("vault.seals_with", key_id=sealing_id.hex())
            self._vault.seal_with(sealing_id)
        await store.note_sealing(connection, self._process, sealing_id)
