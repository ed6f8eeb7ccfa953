"""Motive's ids are numbers; our records hold them as texts."""

from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.write import SourceReference
from fleetwrite.contract.errors import ErrorType


def read_number(draft: Draft, field: str, reference: SourceReference) -> int:
    """The id of the record that `field` points to; 0, and a fault, where it can be none of Motive's."""
    if reference.source_id.isascii() and reference.source_id.isdigit():
        return int(reference.source_id)
    draft.fault(field, ErrorType.WRONG_KIND, "Motive's ids are numbers; this record's is not.")
    return 0
