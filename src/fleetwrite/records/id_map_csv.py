"""The id map as a file: RFC 4180, in UTF-8, with a header."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType
from fleetwrite.records.csv_rows import ImportFaults, Rows
from fleetwrite.records.id_map_models import ImportLine, RecordMapping
from fleetwrite.records.rendering import READ_MODELS

COLUMNS: Final = RecordMapping.__struct_fields__
"""Of an export, in this order. An import takes them in any order, and reads those of `IMPORTED`."""

REQUIRED: Final = ("connection_id", "resource", "source_id")
IMPORTED: Final = (*REQUIRED, "id", "record_ref")

LONGEST_SOURCE_ID: Final = 500
LONGEST_RECORD_REF: Final = 255
"""Characters. Far above any id that we have seen; an index can hold no more than some 2,700 bytes."""


def write_header() -> bytes:
    """The first line of an export."""
    return _written([COLUMNS])


def write_lines(mappings: Iterable[RecordMapping]) -> bytes:
    """A line for each mapping."""
    return _written([[getattr(mapping, name) for name in COLUMNS] for mapping in mappings])


def read_lines(raw: bytes, faults: ImportFaults) -> Iterator[ImportLine]:
    """The lines of an import that can be read; what is wrong with the others goes to `faults`."""
    rows = Rows.of(raw, faults)
    if rows is None:
        return
    header = next(rows, (1, []))[1]
    if not _check_header(header, faults):
        return
    places = {name: place for place, name in enumerate(header)}
    for line, row in rows:
        if len(row) != len(header):
            message = f"This line has {len(row)} fields, the header {len(header)}."
            faults.add(line, "", ",".join(row), message, ErrorType.FORMAT)
            continue
        read = _read(line, {name: row[places[name]] for name in IMPORTED if name in places}, faults)
        if read is not None:
            yield read


def _check_header(header: Sequence[str], faults: ImportFaults) -> bool:
    for name in REQUIRED:
        if name not in header:
            message = f"The first line names no column {name}. It names at least {', '.join(REQUIRED)}."
            faults.add(1, name, "", message, ErrorType.MISSING)
    for place, name in enumerate(header):
        if name not in COLUMNS:
            message = f"There is no such column. Known are {', '.join(COLUMNS)}."
            faults.add(1, name, name, message, ErrorType.UNKNOWN_FIELD)
        elif name in header[:place]:
            faults.add(1, name, name, "This column is named twice.", ErrorType.FORMAT)
    return not len(faults)


def _read(line: int, fields: dict[str, str], faults: ImportFaults) -> ImportLine | None:
    known = len(faults)
    connection_id = _uuid(line, "connection_id", fields, faults)
    resource = fields["resource"]
    if resource not in READ_MODELS:
        allowed = ", ".join(READ_MODELS)
        faults.add(line, "resource", resource, f"Must be one of {allowed}.", ErrorType.ENUM)
    _check_text(line, "source_id", fields, LONGEST_SOURCE_ID, faults)
    if not fields["source_id"]:
        faults.add(line, "source_id", "", "Is required: the id at the provider.", ErrorType.MISSING)
    record_id = _uuid(line, "id", fields, faults) if fields.get("id") else None
    _check_text(line, "record_ref", fields, LONGEST_RECORD_REF, faults)
    if len(faults) > known or connection_id is None:
        return None
    return ImportLine(
        line=line,
        connection_id=connection_id,
        resource=ResourceEnum(resource),
        source_id=fields["source_id"],
        id=record_id,
        record_ref=fields.get("record_ref"),
    )


def _uuid(line: int, column: str, fields: dict[str, str], faults: ImportFaults) -> UUID | None:
    try:
        return msgspec.convert(fields[column], UUID)
    except msgspec.ValidationError:
        message = "Must be a UUID such as 018f3c5e-7a51-7c3e-9d59-0a1b2c3d4e5f."
        faults.add(line, column, fields[column], message, ErrorType.FORMAT)
        return None


def _check_text(line: int, column: str, fields: dict[str, str], longest: int, faults: ImportFaults) -> None:
    text = fields.get(column, "")
    if "\0" in text:
        faults.add(line, column, "", "Must not contain NUL.", ErrorType.FORMAT)
    elif len(text) > longest:
        faults.add(line, column, text, f"Must have at most {longest} characters.", ErrorType.RANGE)


def _written(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
