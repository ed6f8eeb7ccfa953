"""Holds up who fails to prove who he is, ever longer, and nobody else."""

import ipaddress
from typing import Final

import msgspec
import structlog

from fleetwrite.access import lockout_store as store
from fleetwrite.access.errors import OAuthError
from fleetwrite.audit import trail
from fleetwrite.audit.models import Actor, ActorKind, Deed
from fleetwrite.kit.database import Connection, Database

_log = structlog.get_logger(__name__)

FREE_FAILURES: Final = 5
"""So many mistakes cost nothing: somebody who mends a configuration makes two or three."""

LONGEST_LOCK_S: Final = 900
"""Secrets are 256 random bits: nobody guesses one. Longer locks would only punish those who mend a configuration."""


class Lockout:
    """Failures count by the client that was named, and by the address they came from.

    A client at an address where it got a token within 30 days is counted by itself: failures of strangers who know its
    id do not hold it up, nor do those of others at the same address. Tokens that are out are never concerned.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self, connection: Connection, client_id: str, address: str) -> None:
        """Let nobody try whose lock lasts.

        Raises:
            OAuthError: he has to wait, as the error says.
        """
        wait_s = await store.longest_wait(connection, client_id, source_of(address))
        if wait_s is not None:
            raise OAuthError(
                401,
                "invalid_client",
                f"Too many attempts failed: wait {wait_s} s, then try with the right client_id and client_secret.",
                retry_after_s=wait_s,
            )

    async def failed(self, client_id: str, caller: Actor) -> None:
        """Count a failure; from the sixth on each doubles the lock, up to 15 minutes. An hour of quiet forgets all."""
        source = source_of(caller.address)
        stranger = msgspec.structs.replace(caller, kind=ActorKind.STRANGER, name=client_id)
        async with self._database.transaction() as connection:
            locks = await store.count_failure(connection, client_id, source, FREE_FAILURES, LONGEST_LOCK_S)
            for lock in locks:
                deed = Deed.ADDRESS_LOCKED if lock.kind == "address" else Deed.CLIENT_LOCKED
                locked = source if lock.kind == "address" else client_id
                # One entry stands for all failures that led to the lock.
                told = {"failures": lock.failures, "lasts_s": lock.lasts_s, "at_home": lock.kind == "known"}
                await trail.append(connection, stranger, deed, locked, told)
        for lock in locks:
            _log.warning("access.locked", kind=lock.kind, client_id=client_id, address=source, for_s=lock.lasts_s)

    async def succeeded(self, client_id: str, address: str) -> None:
        """Note that a client is at home at an address."""
        if not address:
            return
        async with self._database.transaction() as connection:
            await store.note_success(connection, client_id, source_of(address))


def source_of(address: str) -> str:
    """What counts as one source: an IPv4 address, or the /64 of an IPv6 one, which is what one customer gets."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
