"""Files that somebody brings, line by line: RFC 4180, in UTF-8."""

import csv
import io
from collections.abc import Iterator
from typing import Final, Self

import msgspec

from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail

MOST_FAULTS: Final = 100
"""How many one answer names; a file may have one in each line."""

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


class Rows:
    """The rows of a file with the line in which each begins, up to the first that can not be taken apart."""

    def __init__(self, raw: bytes, faults: ImportFaults) -> None:
        # Spreadsheets put a byte order mark in front.
        text = io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8-sig", newline="")
        self._reader = csv.reader(text, strict=True)
        self._faults = faults

    @classmethod
    def of(cls, raw: bytes, faults: ImportFaults) -> Self | None:
        """The rows of `raw`; None where it is no text in UTF-8, which then stands in `faults`."""
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            faults.add(line, "", "", "This line is not encoded in UTF-8: save the file as CSV UTF-8.", ErrorType.FORMAT)
            return None
        return cls(raw, faults)

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
