"""What became of one attempt at the provider, grouped by what must be done next."""

from collections.abc import Mapping
from typing import Any

import msgspec

from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum as ErrorCategory


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """The provider took it. `source_id` is its id there; `source_data` what it answered."""

    source_id: str
    source_data: Mapping[str, Any]


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """The provider refuses this write, and would again. Final."""

    details: str
    error_type: ErrorCategory = ErrorCategory.VALIDATION


class Throttled(msgspec.Struct, frozen=True, kw_only=True):
    """Over a limit: nothing was written.

    Attributes:
        details: what the provider said.
        retry_after_s: how long it wants no more of these calls; None: it did not say.
        scopes: the budgets of the call that it meant; None: it did not say, so that the one is taken which allows the
            fewest calls.
    """

    details: str
    retry_after_s: float | None
    scopes: tuple[str, ...] | None = None


class Transient(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing was written, and a later try may succeed."""

    details: str
    error_type: ErrorCategory


class AuthFailed(msgspec.Struct, frozen=True, kw_only=True):
    """The provider does not accept the connection's login."""

    details: str


class Forbidden(msgspec.Struct, frozen=True, kw_only=True):
    """The login works, and has no right to such calls: nothing was written. The fleet can give it that right."""

    details: str


class Uncertain(msgspec.Struct, frozen=True, kw_only=True):
    """It may have been written and may not. Never repeated before a look at the provider."""

    details: str


Outcome = Applied | Rejected | Throttled | Transient | AuthFailed | Forbidden | Uncertain


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The look-up after an uncertain attempt found the write at the provider.

    Attributes:
        source_id: its id there.
        source_data: what it looks like there.
        sightings: how many equal things were found (of a group: for the recipient with the fewest) where nothing but
            what they say tells them; None where it is surely ours. If other writes of ours said the same, one sighting
            is no proof.
        is_complete: False where calls are left that complete it; `Connector.carry_out` makes them.
    """

    source_id: str
    source_data: Mapping[str, Any]
    sightings: int | None = None
    is_complete: bool = True


class Absent(msgspec.Struct, frozen=True):
    """The look-up shows that the write did not reach the provider: it may be sent again."""


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is not this write's holds the key that it needs: it did not arrive, and never can."""

    source_id: str
    key: str


class Lookalike(msgspec.Struct, frozen=True, kw_only=True):
    """A record with the key of this write, equal in all that was sent; nothing at the provider shows whose it is."""

    source_id: str
    key: str


class Unknowable(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider keeps can not tell whether this write is there, now or later."""

    reason: str


Finding = Found | Absent | Conflict | Lookalike | Unknowable
