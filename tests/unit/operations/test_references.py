import types
import typing
from uuid import UUID

from fleetwrite.connectors.sdk.write import SourceReference
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.telematics import WRITE_BODIES
from fleetwrite.operations.references import TARGET, resolve, source_fields
from fleetwrite.records.references import REFERENCES

IDS = [UUID(int=number) for number in range(1, 5)]
KNOWN = {one: SourceReference(f"s{one.int}", {}) for one in IDS}


def test_every_field_that_holds_ids_of_ours_is_known_as_such() -> None:
    """A new field of the contract with ids must not reach a provider untranslated."""
    for (resource, _), body_type in WRITE_BODIES.items():
        hints = typing.get_type_hints(body_type)
        with_ids = {name for name, hint in hints.items() if _holds_ids(hint)} - {"connection_id"}
        assert with_ids == set(REFERENCES.get(resource, {})), resource


def _holds_ids(hint: object) -> bool:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) in {typing.Union, list}:
        return any(_holds_ids(part) for part in typing.get_args(hint))
    return hint is UUID


def test_ids_become_the_providers_and_lists_keep_their_order() -> None:
    ids = {"sender_id": (IDS[0],), "recipient_ids": (IDS[3], IDS[1], IDS[3])}
    resolved = resolve(ResourceEnum.GROUP_MESSAGE, ids, KNOWN)
    assert source_fields(resolved) == {"source_sender_id": "s1", "source_recipient_ids": ["s4", "s2", "s4"]}


def test_the_record_to_update_is_no_reference_of_the_body() -> None:
    resolved = resolve(ResourceEnum.TRAILER, {TARGET: (IDS[0],)}, KNOWN)
    assert source_fields(resolved) == {}
