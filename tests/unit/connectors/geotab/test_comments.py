from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetwrite.connectors.geotab import comments

MARK = comments.mark_of(uuid4())


@given(notes=st.text(max_size=comments.MAX_NOTES_LENGTH))
def test_notes_and_mark_come_back_as_they_went(notes: str) -> None:
    comment = comments.joined(notes, MARK)
    assert len(comment) <= comments.MAX_LENGTH
    assert (comments.notes_in(comment), comments.mark_in(comment)) == (notes, MARK)


@pytest.mark.parametrize("comment", ["", "fleetwrite:12", f"{MARK} said Ana", f"see {MARK}"])
def test_what_only_looks_like_a_mark_is_none(comment: str) -> None:
    assert (comments.notes_in(comment), comments.mark_in(comment)) == (comment, "")
