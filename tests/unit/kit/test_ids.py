from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from fleetwrite.kit.ids import derive_id, first_id_at, new_id

NAMESPACE = UUID("5b0fd6c5-5c2a-4a86-8f3f-6a5b0c3f2d11")
PARTS = st.lists(st.text(max_size=4), max_size=4)


def test_new_ids_are_standard_uuids_of_version_7() -> None:
    made = new_id()
    assert type(made) is UUID
    assert made.version == 7


def test_new_ids_are_unique_and_ordered_by_their_making() -> None:
    made = [new_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert made == sorted(made)


def test_the_bound_of_an_instant_parts_the_ids_made_before_from_those_made_after() -> None:
    made = new_id()
    at = datetime.fromtimestamp((made.int >> 80) / 1000, UTC)
    assert first_id_at(at) < made < first_id_at(at + timedelta(milliseconds=1))


def test_a_derived_id_never_changes() -> None:
    assert derive_id(NAMESPACE, "driver", "42") == UUID("dda1ef3f-001e-5060-b13c-1ecd0c9c5803")


@given(PARTS, PARTS)
def test_different_parts_never_join_to_the_same_id(one: list[str], two: list[str]) -> None:
    assert (derive_id(NAMESPACE, *one) == derive_id(NAMESPACE, *two)) == (one == two)
