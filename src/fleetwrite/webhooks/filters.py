"""Which fleets a subscription is limited to.

The contract leaves open how the two lists combine and what an empty one means. A fleet matches when **either** list
names it, an empty list limits nothing, and an event that concerns no fleet passes every filter: these readings can at
most tell a partner more of its own than it asked for, while the opposite ones would silently never tell it anything.
"""

from typing import Final

from msgspec import UNSET, UnsetType

from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.notifications import WebhookFilters

MOST_FLEETS: Final = 1000
"""Of each list. The filter is matched with every event of the partner; who wants more fleets can filter on arrival."""


def normalised(filters: WebhookFilters | UnsetType | None) -> WebhookFilters | None:
    """The same limit in the one form in which it is stored: sorted, without repeats, None where it limits nothing."""
    if filters is UNSET or filters is None:
        return None
    fleet_ids = sorted(set(filters.fleet_ids or ()))
    fleet_refs = sorted(set(filters.fleet_refs or ()))
    if not fleet_ids and not fleet_refs:
        return None
    return WebhookFilters(fleet_ids=fleet_ids or None, fleet_refs=fleet_refs or None)


def faults_of(filters: WebhookFilters | None) -> list[ValidationErrorDetail]:
    """What is wrong with normalised `filters`."""
    if filters is None:
        return []
    faults = [
        ValidationErrorDetail(
            path=f"body.filters.{name}",
            input=str(len(values)),
            message=f"At most {MOST_FLEETS} fleets; leave the filter out and select on arrival instead.",
            error_type=ErrorType.RANGE,
        )
        for name, values in (("fleet_ids", filters.fleet_ids), ("fleet_refs", filters.fleet_refs))
        if values is not None and len(values) > MOST_FLEETS
    ]
    # PostgreSQL refuses a text with NUL, so no fleet can be called so either.
    if any(not ref.strip() or "\0" in ref for ref in filters.fleet_refs or ()):
        faults.append(
            ValidationErrorDetail(
                path="body.filters.fleet_refs",
                input="",
                message="A reference that is blank or holds a NUL matches no fleet: remove it.",
                error_type=ErrorType.FORMAT,
            )
        )
    return faults
