"""Sessions and access tokens that a simulator gave out, for providers whose calls need one."""

import secrets
import time
from typing import Any

from fleetwrite.connectors.sdk.simulator.storage import Storage

_ORGANIZATION = ""
_COLLECTION = "sessions"


class Sessions:
    """What was given out by logging in; survives a restart, as it would at the provider."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def open(self, facts: dict[str, Any], *, lasts_s: float | None = None, idle_s: float | None = None) -> str:
        """Give out a new token that stands for ``facts`` (JSON), for so long in all, or so long without a call."""
        token = secrets.token_urlsafe(24)
        now = time.time()
        session = {"facts": facts, "ends_at": None if lasts_s is None else now + lasts_s, "idle_s": idle_s, "at": now}
        self._storage.put(_ORGANIZATION, _COLLECTION, token, session)
        return token

    def find(self, token: str) -> dict[str, Any] | None:
        """Return what a token stands for; None when it was never given out, or its time is over."""
        session = self._storage.collection(_ORGANIZATION, _COLLECTION).get(token)
        if session is None:
            return None
        now = time.time()
        if session["ends_at"] is not None and session["ends_at"] <= now:
            return None
        if session["idle_s"] is not None:
            if session["at"] + session["idle_s"] <= now:
                return None
            self._storage.put(_ORGANIZATION, _COLLECTION, token, {**session, "at": now})
        facts: dict[str, Any] = session["facts"]
        return facts

    def forget_all(self) -> int:
        """End all sessions at once, as a provider's restart may; return how many there were."""
        tokens = list(self._storage.collection(_ORGANIZATION, _COLLECTION))
        for token in tokens:
            self._storage.delete(_ORGANIZATION, _COLLECTION, token)
        return len(tokens)
