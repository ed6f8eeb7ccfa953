"""Fuel purchases in Geotab's terms: litres, kilometres, and a reference that equal purchases share.

Geotab refuses a second record that is equal in all but `sourceData`. So the reference is made of what tells a purchase,
which leaves Geotab's own guard against double entries in force, and `sourceData` says which operation made the record.
"""

from decimal import Decimal
from typing import Final

import msgspec

from fleetwrite.connectors.geotab import endpoints
from fleetwrite.connectors.geotab.comments import mark_of
from fleetwrite.connectors.geotab.instants import write_instant
from fleetwrite.connectors.geotab.mapping import FUEL_TRANSACTION
from fleetwrite.connectors.geotab.rpc import PROVIDER
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.references import derive_reference
from fleetwrite.connectors.sdk.units import round_to_places, to_shortest_text
from fleetwrite.connectors.sdk.write import Translation, Write
from fleetwrite.contract.errors import ErrorType

# Geotab keeps numbers in 64 bits, which hold 15 digits surely: nine before the point, six behind it. Six are more than
# any currency or fuel price has. Money is never rounded here: what is longer is refused.
MONEY_PLACES: Final = 6
MAX_AMOUNT: Final = Decimal(10**9)

# Geotab takes 255 characters; 29 of base32 are 145 bits.
_REFERENCE_PREFIX: Final = "FW-"
_REFERENCE_LENGTH: Final = 32

SOURCE_KEY: Final = "operation"
"""What our operation is called in `sourceData`."""


def translate_fuel(write: Write) -> Translation:
    """A fuel purchase."""
    draft = Draft(write, FUEL_TRANSACTION, provider=PROVIDER)
    draft.fill()
    vehicle_id = write.references["vehicle_id"].source_id
    draft.put("device", {"id": vehicle_id})
    draft.put("driver", {"id": write.references["driver_id"].source_id})
    if (time := draft.given("transaction_time")) is not None:
        draft.put("dateTime", write_instant(time))
    _put_place(draft)
    _put_price(draft)
    losses = draft.settle()
    if write.idempotency_key is None:
        numbers = (to_shortest_text(draft.body[name]) for name in ("volume", "cost") if name in draft.body)
        identity = ["purchase", vehicle_id, draft.body["dateTime"], *numbers]
    else:
        identity = ["key", write.idempotency_key]
    draft.put("externalReference", derive_reference(_REFERENCE_PREFIX, *identity, length=_REFERENCE_LENGTH))
    draft.put("sourceData", msgspec.json.encode({SOURCE_KEY: mark_of(write.operation_id)}).decode())
    return Translation(call=endpoints.ADD_FUEL.call(entity=draft.body), losses=losses)


def _put_place(draft: Draft) -> None:
    degrees = {axis: draft.given(field) for axis, field in (("x", "longitude"), ("y", "latitude"))}
    missing = [field for axis, field in (("x", "longitude"), ("y", "latitude")) if degrees[axis] is None]
    if len(missing) == 1:
        draft.fault(missing[0], ErrorType.REQUIRED_BY_TSP, "Geotab takes both coordinates, or none.")
    elif not missing:
        draft.put("location", degrees)


def _put_price(draft: Draft) -> None:
    cost: Decimal | None = draft.given("total_cost")
    currency: str | None = draft.given("currency")
    if currency is not None:
        if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
            draft.fault("currency", ErrorType.FORMAT, "Geotab takes the three letters of ISO 4217 here, such as EUR.")
        draft.put("currencyCode", currency.upper())
    if cost is None:
        return
    if currency is None:
        draft.fault(
            "currency", ErrorType.REQUIRED_BY_TSP, "Geotab takes a cost without a currency for US dollars: name it."
        )
    if not 0 <= cost < MAX_AMOUNT:
        draft.fault("total_cost", ErrorType.RANGE, f"Must be 0 or more, and less than {MAX_AMOUNT}.")
    elif round_to_places(cost, MONEY_PLACES) != cost:
        draft.fault(
            "total_cost", ErrorType.RANGE, f"Must have at most {MONEY_PLACES} decimals; it is not rounded here."
        )
    else:
        # A price such as 1.0000000 equals one of six places and is written with those; -0 has no meaning as a price.
        draft.put("cost", round_to_places(cost, MONEY_PLACES).copy_abs())
