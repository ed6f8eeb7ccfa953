"""Page envelopes. Two of them: telematics and orgs count, integrations and notifications do not."""

from datetime import timedelta
from typing import Annotated, Final, Generic, TypeVar

from msgspec import Meta, Struct

ItemT = TypeVar("ItemT")

LONGEST_SPAN: Final = timedelta(days=45)
"""The contract's limit of a list's date range."""

DEFAULT_SPAN: Final = timedelta(days=1)
"""How far back a list reaches when the client does not say; the contract's default."""


class CursorPage(Struct, Generic[ItemT], frozen=True, kw_only=True):
    """A page of the integrations and notifications APIs. `next_page` is null at the end."""

    items: list[ItemT]
    current_page: str | None = None
    current_page_backwards: str | None = None
    previous_page: str | None = None
    next_page: str | None = None


class CountedCursorPage(Struct, Generic[ItemT], frozen=True, kw_only=True):
    """A page of the telematics and orgs APIs; `total` counts all records that match, not only this page's."""

    items: list[ItemT]
    total: Annotated[int, Meta(ge=0)]
    current_page: str | None = None
    current_page_backwards: str | None = None
    previous_page: str | None = None
    next_page: str | None = None
