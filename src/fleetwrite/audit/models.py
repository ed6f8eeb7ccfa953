"""What an entry of the audit log says."""

import getpass
import hashlib
import os
import socket
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec


class ActorKind(StrEnum):
    """What sort of somebody did it."""

    CLIENT = "client"
    """A partner's client, by the API."""
    FLEET = "fleet"
    """Whoever speaks for a fleet, on the connect page."""
    OPERATOR = "operator"
    """Who may run commands on our machines."""
    STRANGER = "stranger"
    """Somebody who did not prove who he is."""
    FLEETWRITE = "fleetwrite"
    """Nobody: the software itself, or a script that calls it."""


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who did it, and from where.

    Attributes:
        name: the client's id, the fleet's id or what stands for the invitation by which it came, or the operator's
            login.
        partner_id: whose client it is; None for others.
        address: the client's address, or the operator's machine; empty where there is none.
        request_id: as in answer and logs; empty where no request was made.
    """

    kind: ActorKind
    name: str
    partner_id: UUID | None = None
    address: str = ""
    request_id: str = ""

    @classmethod
    def operator(cls) -> "Actor":
        """Who runs this process, where that is a command."""
        try:
            name = getpass.getuser()
        except (KeyError, OSError):  # in a container an account may have a number only
            name = f"uid {os.getuid()}"
        return cls(kind=ActorKind.OPERATOR, name=name, address=socket.gethostname())


FLEETWRITE: Final = Actor(kind=ActorKind.FLEETWRITE, name="fleetwrite")


class Deed(StrEnum):
    """What was done. The first word says what the entry's `object_id` is the id of; of an invitation it is a hash."""

    CLIENT_CREATED = "client.created"
    CLIENT_SECRET_RENEWED = "client.secret_renewed"  # noqa: S105 - the name of a deed
    CLIENT_DISABLED = "client.disabled"
    CLIENT_ENABLED = "client.enabled"
    CLIENT_DELETED = "client.deleted"
    CLIENT_TOKEN_REVOKED = "client.token_revoked"  # noqa: S105 - the name of a deed
    CLIENT_LOCKED = "client.locked"
    ADDRESS_LOCKED = "address.locked"
    FLEET_EXPORTED = "fleet.exported"
    FLEET_ERASURE_BEGUN = "fleet.erasure_begun"
    FLEET_ERASED = "fleet.erased"
    FLEET_ERASURE_COMPLETED = "fleet.erasure_completed"
    INVITATION_CREATED = "invitation.created"
    INVITATION_REFRESHED = "invitation.refreshed"
    INVITATION_DELETED = "invitation.deleted"
    INVITATION_ACCEPTED = "invitation.accepted"
    INVITATION_DECLINED = "invitation.declined"
    PARTNER_CREATED = "partner.created"
    PARTNER_CHANGED = "partner.changed"
    PARTNER_PROPERTIES_ADDED = "partner.properties_added"
    PARTNER_PROPERTY_REMOVED = "partner.property_removed"
    PARTNER_LIMITED = "partner.limited"
    PARTNER_IDS_IMPORTED = "partner.ids_imported"
    PARTNER_SCHEDULES_MADE = "partner.schedules_made"
    AGREEMENT_CREATED = "agreement.created"
    AGREEMENT_CHANGED = "agreement.changed"
    AGREEMENT_DELETED = "agreement.deleted"
    CONNECTION_CREATED = "connection.created"
    CONNECTION_CHANGED = "connection.changed"
    CONNECTION_PAUSED = "connection.paused"
    CONNECTION_RESUMED = "connection.resumed"
    CONNECTION_DRAINED = "connection.drained"
    CONNECTION_DELETED = "connection.deleted"
    CONNECTION_BUDGETS_REPLACED = "connection.budgets_replaced"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_PAUSED = "webhook.paused"
    WEBHOOK_ACTIVATED = "webhook.activated"
    WEBHOOK_REPLAYED = "webhook.replayed"
    WEBHOOK_DELETED = "webhook.deleted"
    SCHEDULE_CREATED = "schedule.created"
    SCHEDULE_CHANGED = "schedule.changed"
    SCHEDULE_ACTIVATED = "schedule.activated"
    SCHEDULE_DELETED = "schedule.deleted"
    TSP_PAUSED = "tsp.paused"
    TSP_RESUMED = "tsp.resumed"
    KEY_ROTATED = "key.rotated"
    KEY_REMOVED = "key.removed"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. Entries are numbered without gaps, and each holds the hash of the one before.

    Attributes:
        details: JSON, as it was hashed.
        hash: see `hash_of`.
    """

    id: int
    at: datetime
    actor_kind: str
    actor: str
    partner_id: UUID | None
    address: str
    request_id: str
    deed: str
    object_id: str
    details: str
    previous_hash: bytes
    hash: bytes

    def hash_of(self) -> bytes:
        """SHA-256 of the hash before and of all that the entry says, as a JSON array without blanks."""
        said = (
            self.id,
            self.at.isoformat(timespec="microseconds"),
            self.actor_kind,
            self.actor,
            None if self.partner_id is None else str(self.partner_id),
            self.address,
            self.request_id,
            self.deed,
            self.object_id,
            self.details,
        )
        return hashlib.sha256(self.previous_hash + msgspec.json.encode(said)).digest()

    def to_line(self) -> bytes:
        """The entry as a line of JSON, hashes in hexadecimal."""
        fields: dict[str, Any] = msgspec.structs.asdict(self) | {
            "details": msgspec.Raw(self.details.encode()),
            "previous_hash": self.previous_hash.hex(),
            "hash": self.hash.hex(),
        }
        return msgspec.json.encode(fields)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The newest entry. Noted elsewhere, it proves later that nothing was cut off."""

    id: int
    hash: bytes

    def __str__(self) -> str:
        """As an operator notes it."""
        return f"{self.id}:{self.hash.hex()}"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are wanted; each filter that is not None narrows.

    Attributes:
        since: not before.
        until: before.
        deed: the deed, or its first word.
    """

    since: datetime | None = None
    until: datetime | None = None
    deed: str | None = None
    actor: str | None = None
    object_id: str | None = None
    partner_id: UUID | None = None
