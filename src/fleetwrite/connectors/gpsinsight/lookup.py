"""Whether a write whose answer was lost is at GPS Insight."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fleetwrite.connectors.gpsinsight.reading import ALL_DRIVERS, ALL_VEHICLES, Row, holds, read_rows
from fleetwrite.connectors.gpsinsight.records import KINDS, VEHICLES, wanted, working_name
from fleetwrite.connectors.sdk.connector import Session
from fleetwrite.connectors.sdk.outcome import Absent, Conflict, Finding, Found, Lookalike, Unknowable
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.contract.enums import ResourceEnum

_MESSAGES: Final = (
    "GPS Insight's history of messages does not say by which clock it is dated, nor which driver was in the vehicle."
)


async def look_up(write: Write, session: Session) -> Finding:
    """Whether `write` is at GPS Insight; see `Connector.look_up`. By whole lists: a search that finds nothing may also
    have been made in another way than we think.

    Raises:
        ProviderAnswerError: GPS Insight did not answer the question.
    """
    if write.resource is ResourceEnum.MESSAGE:
        return Unknowable(reason=_MESSAGES)
    kind = KINDS[write.resource]
    rows = await read_rows(session, ALL_VEHICLES if kind is VEHICLES else ALL_DRIVERS)
    columns = wanted(write)
    if write.target is not None:
        source_id = write.target.source_id
        row = next((row for row in rows if str(row["id"]) == source_id), None)
        return Found(source_id=source_id, source_data=row) if row is not None and holds(row, columns) else Absent()
    name = working_name(write)
    for row in rows:
        if row.get(kind.name) == name:
            return Found(source_id=str(row["id"]), source_data=row, is_complete=False)
    return _find_unmarked_vehicle(rows, columns) if kind is VEHICLES else _find_unmarked_driver(rows, columns)


def _find_unmarked_vehicle(rows: Sequence[Row], columns: Mapping[str, Any]) -> Finding:
    """Whoever has the device. It may be ours, completed by an attempt of which nothing is known."""
    device = {"serial_number": columns["serial_number"]}
    for row in rows:
        if holds(row, device):
            kind = Lookalike if holds(row, columns) else Conflict
            return kind(source_id=str(row["id"]), key=f"eld_serial_number {columns['serial_number']}")
    return Absent()


def _find_unmarked_driver(rows: Sequence[Row], columns: Mapping[str, Any]) -> Finding:
    """Drivers share nothing that is unique: one that is equal, as far as the list shows, may be anybody's."""
    for row in rows:
        if holds(row, {name: value for name, value in columns.items() if name in row}):
            return Unknowable(
                reason=f"GPS Insight lists driver {row['id']} with the same columns; nothing shows who made it."
            )
    return Absent()
