"""Connections as a file: a line for each, with what is needed to log in. No value of a credential is ever repeated."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from fleetwrite.contract.errors import ErrorType
from fleetwrite.orgs.models import LONGEST_NAME
from fleetwrite.records.csv_rows import ImportFaults, Rows

CREDENTIALS: Final = "credentials"
SETTINGS: Final = "settings"
GROUPS: Final = (CREDENTIALS, SETTINGS)
"""Columns with JSON objects of texts; or one column for each text, such as `credentials.token`."""

PLAIN: Final = ("partner", "fleet_ref", "fleet_name", "tsp", "source_name", "description", "account_id")
"""The other columns. `tsp` is a connector's slug; `source_name` does as well, where one connector alone has it."""

_TEXTS: Final = msgspec.json.Decoder(dict[str, str])


class ConnectionLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that can be read.

    Attributes:
        line: where it begins in the file.
        partner: the slug; None: it names none.
        tsp, source_name: which provider; one of the two is there.
    """

    line: int
    partner: str | None
    fleet_ref: str
    fleet_name: str
    tsp: str | None
    source_name: str | None
    description: str | None
    account_id: str | None
    credentials: Mapping[str, str]
    settings: Mapping[str, str]


def read_connections(raw: bytes, faults: ImportFaults) -> Iterator[ConnectionLine]:
    """The lines that can be read; what is wrong with the others goes to `faults`."""
    rows = Rows.of(raw, faults)
    if rows is None:
        return
    header = next(rows, (1, []))[1]
    if not _check_header(header, faults):
        return
    for line, row in rows:
        if len(row) != len(header):
            message = f"This line has {len(row)} fields, the header {len(header)}."
            faults.add(line, "", "", message, ErrorType.FORMAT)
            continue
        read = _read(line, dict(zip(header, row, strict=True)), faults)
        if read is not None:
            yield read


def _check_header(header: Sequence[str], faults: ImportFaults) -> bool:
    if "fleet_ref" not in header:
        faults.add(1, "fleet_ref", "", "The first line names no column fleet_ref.", ErrorType.MISSING)
    if not {"tsp", "source_name"} & set(header):
        faults.add(1, "tsp", "", "The first line names neither tsp nor source_name.", ErrorType.MISSING)
    for place, name in enumerate(header):
        group, dot, key = name.partition(".")
        if name not in (*PLAIN, *GROUPS) and not (group in GROUPS and dot and key):
            message = (
                f"There is no such column. Known are {', '.join((*PLAIN, *GROUPS))}, credentials.* and settings.*."
            )
            faults.add(1, name, "", message, ErrorType.UNKNOWN_FIELD)
        elif name in header[:place]:
            faults.add(1, name, "", "This column is named twice.", ErrorType.FORMAT)
        elif dot and group in header:
            faults.add(1, name, "", f"There is a column {group} already: use one way or the other.", ErrorType.CONFLICT)
    return not len(faults)


def _read(line: int, fields: Mapping[str, str], faults: ImportFaults) -> ConnectionLine | None:
    known = len(faults)
    plain = {name: fields.get(name, "").strip() or None for name in PLAIN}
    for name, text in plain.items():
        if text is not None and "\0" in text:
            faults.add(line, name, "", "Must not contain NUL.", ErrorType.FORMAT)
        elif text is not None and len(text) > LONGEST_NAME:
            faults.add(line, name, text, f"Must have at most {LONGEST_NAME} characters.", ErrorType.RANGE)
    fleet_ref = plain["fleet_ref"]
    if fleet_ref is None:
        faults.add(line, "fleet_ref", "", "Is required: the partner's own name for the fleet.", ErrorType.MISSING)
    if plain["tsp"] is None and plain["source_name"] is None:
        faults.add(line, "tsp", "", "Is required: the provider's slug, such as samsara.", ErrorType.MISSING)
    credentials, settings = (_texts(line, group, fields, faults) for group in GROUPS)
    if len(faults) > known or fleet_ref is None:
        return None
    return ConnectionLine(
        line=line,
        partner=plain["partner"],
        fleet_ref=fleet_ref,
        fleet_name=plain["fleet_name"] or fleet_ref,
        tsp=plain["tsp"],
        source_name=plain["source_name"],
        description=plain["description"],
        account_id=plain["account_id"],
        credentials=credentials,
        settings=settings,
    )


def _texts(line: int, group: str, fields: Mapping[str, str], faults: ImportFaults) -> dict[str, str]:
    """What stands in the columns of a group; an empty field says nothing."""
    if fields.get(group, "").strip():
        try:
            return _TEXTS.decode(fields[group])
        # What the decoder says could repeat what it read.
        except (msgspec.DecodeError, UnicodeEncodeError):
            faults.add(line, group, "", "Must be a JSON object whose values are all texts.", ErrorType.FORMAT)
    prefix = f"{group}."
    return {name.removeprefix(prefix): text for name, text in fields.items() if name.startswith(prefix) and text}
