"""Why a write is not accepted, and why a question about one has no answer."""

from fleetwrite.contract.errors import ValidationErrorDetail
from fleetwrite.kit.errors import FleetwriteError


class InvalidWriteError(FleetwriteError):
    """The body can not be written as it stands; `details` names every fault with its remedy."""

    def __init__(self, details: tuple[ValidationErrorDetail, ...]) -> None:
        super().__init__("; ".join(f"{detail.path}: {detail.message}" for detail in details))
        self.details = details


class BacklogFullError(FleetwriteError):
    """The partner has as many writes waiting as it may."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class WouldExpireError(FleetwriteError):
    """So much waits ahead of the write that it would expire before its turn.

    Attributes:
        retry_after_s: when so much less is waiting that a write with as much time left would be taken.
    """

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ReferenceUsedError(FleetwriteError):
    """The provider takes a reference only once, and this one was used by another operation."""


class FenceRefusedError(FleetwriteError):
    """A restore fence can not be raised, or does not hold what it was asked to let go."""


class IdempotencyKeyReusedError(FleetwriteError):
    """An Idempotency-Key came with two different writes."""


class IdempotencyKeyTakenError(FleetwriteError):
    """Another request with the same Idempotency-Key was accepted in the meantime."""


class IdempotencyKeyBusyError(FleetwriteError):
    """The write with this Idempotency-Key is still under way."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OperationNotFoundError(FleetwriteError):
    """No such operation of this partner on this connection."""


class OperationStateError(FleetwriteError):
    """The operation is in no state for this; the message says why, and what can be done."""


class NewerWriteError(FleetwriteError):
    """The record was written again since; to retry now would let old data win."""


class MayBeWrittenError(FleetwriteError):
    """The operation may have reached the provider; to retry it may write it twice."""


class SecretNotFoundError(FleetwriteError):
    """The operation has no secret to collect: it never had one, or somebody collected it."""


class SecretNotReadyError(FleetwriteError):
    """The secret is of use only when the operation succeeded, and it has not ended yet."""


class MissingTermsError(FleetwriteError):
    """A stored operation lacks what it takes to run it; a defect of ours, never of the partner's."""
