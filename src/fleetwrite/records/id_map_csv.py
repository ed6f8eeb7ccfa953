"""The id map as a file: RFC 4180, in UTF-8, with a header."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.records.id_map_models import ImportLine, RecordMapping
from fleetwrite.records.rendering import READ_MODELS

COLUMNS: Final = RecordMapping.__struct_fields__
"""Of an export, in this order. An import takes them in any order, and reads those of `IMPORTED`."""

REQUIRED: Final = ("connection_id", "resource", "source_id")
IMPORTED: Final = (*REQUIRED, "id", "record_ref")

MOST_FAULTS: Final = 100
"""How many one answer names; a file may have one in each line."""

LONGEST_SOURCE_ID: Final = 500
LONGEST_RECORD_REF: Final = 255
"""Characters. Far above any id that we have seen; an index can hold no more than some 2,700 bytes."""

_SHOWN: Final = 100  # characters of a wrong value that are repeated


class ImportFaults:
    """Collects what is wrong with a file, by line."""

    def __init__(self) -> None:
        self._found: list[tuple[int, str, ValidationErrorDetail]] = []

    def add(self, line: int, column: str, value: str, message: str, error_type: ErrorType) -> None:
        """Note a fault. Those of one kind come in the order of lines, so that the first are the ones to keep."""
        path = f"body.{line}.{column}" if column else f"body.{line}"
        detail = ValidationErrorDetail(path=path, input=value[:_SHOWN], message=message, error_type=error_type)
        self._found.append((line, column, detail))

    def __len__(self) -> int:
        return len(self._found)

    def details(self) -> list[ValidationErrorDetail]:
        """The first of them, by line."""
        details = [detail for _, _, detail in sorted(self._found, key=lambda found: found[:2])]
        if len(details) > MOST_FAULTS:
            last = details[MOST_FAULTS - 1]
            message = f"{last.message} More faults follow that are not listed here."
            details[MOST_FAULTS - 1 :] = [msgspec.structs.replace(last, message=message)]
        return details


def write_header() -> bytes:
    """The first line of an export."""
    return _written([COLUMNS])


def write_lines(mappings: Iterable[RecordMapping]) -> bytes:
    """A line for each mapping."""
    return _written([[getattr(mapping, name) for name in COLUMNS] for mapping in mappings])


def read_lines(raw: bytes, faults: ImportFaults) -> Iterator[ImportLine]:
    """The lines of an import that can be read; what is wrong with the others goes to `faults`."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        faults.add(line, "", "", "This line is not encoded in UTF-8: save the file as CSV UTF-8.", ErrorType.FORMAT)
        return
    rows = _Rows(raw, faults)
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


class _Rows:
    """The rows of a file with the line in which each begins, up to the first that can not be taken apart."""

    def __init__(self, raw: bytes, faults: ImportFaults) -> None:
        # Spreadsheets put a byte order mark in front.
        text = io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8-sig", newline="")
        self._reader = csv.reader(text, strict=True)
        self._faults = faults

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        return self

    def __next__(self) -> tuple[int, list[str]]:
        while True:
            line = self._reader.line_num + 1
            try:
                row = next(self._reader)
            except csv.Error as error:
                message = f"From here on this is no CSV ({error}): a comma separates, double quotes enclose."
                self._faults.add(line, "", "", message, ErrorType.FORMAT)
                raise StopIteration from error
            if row:  # a blank line has no fields
                return line, row


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
