import re

from hypothesis import given
from hypothesis import strategies as st

from fleetwrite.connectors.sdk.references import derive_reference


@given(st.lists(st.text()))
def test_references_have_the_length_and_letters_asked_for(parts: list[str]) -> None:
    assert re.fullmatch("FW-[A-Z2-7]{29}", derive_reference("FW-", *parts, length=32))


@given(st.lists(st.text()), st.lists(st.text()))
def test_equal_parts_and_only_equal_parts_share_a_reference(one: list[str], other: list[str]) -> None:
    same = derive_reference("FW-", *one, length=32) == derive_reference("FW-", *other, length=32)

    assert same == (one == other)


def test_parts_are_not_run_together() -> None:
    assert derive_reference("", "ab", "c", length=20) != derive_reference("", "a", "bc", length=20)
