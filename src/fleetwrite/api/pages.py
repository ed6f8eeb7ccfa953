"""The query of a page, and the envelope of those that are counted."""

from typing import Annotated, TypeVar

from msgspec import Meta, Struct

from fleetwrite.contract.pages import CountedCursorPage
from fleetwrite.kit.keyset import Page, Window, decode_cursor

ItemT = TypeVar("ItemT")


class PageParameters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which page of a list."""

    cursor: str | None = None
    size: Annotated[int, Meta(ge=1, le=1000)] = 300

    @property
    def window(self) -> Window:
        """The part of the list that is asked for.

        Raises:
            BadCursorError: the cursor is none of ours.
        """
        return Window(cursor=decode_cursor(self.cursor), size=self.size)


def counted(page: Page[ItemT], total: int) -> CountedCursorPage[ItemT]:
    """The page as it is sent; `total` is how many there are on all pages together."""
    return CountedCursorPage(
        items=list(page.items),
        total=total,
        current_page=page.current_page,
        current_page_backwards=page.current_page_backwards,
        previous_page=page.previous_page,
        next_page=page.next_page,
    )
