"""When a write is delivered, and before which others: what its headers, its body and its kind say of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID

from fleetwrite.contract.enums import MessagePriorityEnum, ResourceEnum
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.telematics import WriteBody
from fleetwrite.dispatch.models import USUAL_PRIORITY
from fleetwrite.operations.models import MESSAGES, Directives
from fleetwrite.operations.references import TARGET

LONGEST: Final = timedelta(days=30)
"""How far ahead a write may be scheduled or expire: as long as its Idempotency-Key is kept after its end."""

_MESSAGE_PRIORITY: Final = USUAL_PRIORITY - 1
"""Messages go before master data: somebody on the road is waiting for them."""

_WISHED: Final[Mapping[MessagePriorityEnum, int]] = MappingProxyType(
    {MessagePriorityEnum.HIGH: 0, MessagePriorityEnum.LOW: 3}
)
"""What a wish makes of a job's priority, whatever is written. `medium` is what its kind has anyway."""


def priority_of(resource: ResourceEnum, body: WriteBody, directives: Directives) -> int:
    """The job's priority: the header's wish counts, else that of a message's own field, else its kind."""
    usual = _MESSAGE_PRIORITY if resource in MESSAGES else USUAL_PRIORITY
    wish = directives.priority or getattr(body, "priority", None)
    return _WISHED.get(wish, usual) if isinstance(wish, MessagePriorityEnum) else usual


def order_key(resource: ResourceEnum, record_ids: Mapping[str, tuple[UUID, ...]]) -> str | None:
    """Writes with the same key are delivered in the order accepted: those to one record, messages to one recipient."""
    if TARGET in record_ids:
        return f"record:{record_ids[TARGET][0]}"
    if resource is ResourceEnum.MESSAGE:
        return f"messages:{record_ids['recipient_id'][0]}"
    return None


def schedule_faults(directives: Directives, now: datetime, *, is_sync: bool) -> list[ValidationErrorDetail]:
    """What is wrong with the times that a write's headers name.

    Args:
        directives: where they are.
        now: by the clock that decides.
        is_sync: whether the write is delivered before it is answered.
    """
    expires_at, not_before = directives.expires_at, directives.not_before
    faults: list[ValidationErrorDetail] = []

    def add(header: str, given: datetime, message: str) -> None:
        faults.append(
            ValidationErrorDetail(
                path=f"header.{header}", input=given.isoformat(), message=message, error_type=ErrorType.RANGE
            )
        )

    latest = now + LONGEST
    if expires_at is not None and not now < expires_at <= latest:
        add("Fleetwrite-Expires-At", expires_at, f"Must lie in the future, by at most {LONGEST.days} days.")
    if not_before is not None:
        if not_before > latest:
            add("Fleetwrite-Not-Before", not_before, f"Must be at most {LONGEST.days} days away.")
        if expires_at is not None and not_before >= expires_at:
            add("Fleetwrite-Not-Before", not_before, "Must be before the write expires (Fleetwrite-Expires-At).")
        if is_sync and not_before > now:
            add("Fleetwrite-Not-Before", not_before, "A sync write is sent at once: leave is_sync or this header out.")
    return faults
