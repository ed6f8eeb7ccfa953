"""Files of ids, and what was made of them."""

import csv
import io
from typing import Any

from fleetwrite.kit.keyset import Window
from fleetwrite.orgs.models import Partner
from fleetwrite.records.id_map import IdMap
from fleetwrite.records.id_map_models import LookUp, RecordMapping

WITH_REFS = ("connection_id", "resource", "source_id", "record_ref")


def file(*rows: tuple[Any, ...], columns: tuple[str, ...] = ("connection_id", "resource", "source_id", "id")) -> bytes:
    """A file to import."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([columns, *rows])
    return text.getvalue().encode()


async def found(id_map: IdMap, partner: Partner, **wanted: Any) -> list[RecordMapping]:
    """All that is looked up."""
    return list((await id_map.look_up(partner.id, LookUp(**wanted), Window())).items)
