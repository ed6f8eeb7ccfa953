"""Fuel purchases in Samsara's terms: litres and money as decimal texts, and a reference of our own making."""

from decimal import Decimal

from fleetwrite.connectors.samsara import endpoints
from fleetwrite.connectors.samsara.instants import write_instant
from fleetwrite.connectors.samsara.mapping import CURRENCIES, FUEL_TRANSACTION, PROVIDER
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.references import derive_reference
from fleetwrite.connectors.sdk.units import round_to_places, to_litres, to_shortest_text, to_text
from fleetwrite.connectors.sdk.write import Translation, Write
from fleetwrite.contract.errors import ErrorType

# Exact for volumes of three decimals in any unit, which is what pumps show (a US gallon has nine decimals of a litre).
# What is finer can only be noise of a float, and would make the text as long as the partner likes.
LITRE_PLACES = 12
# More than any currency or fuel price has. Money is never rounded here: what is longer is refused.
MONEY_PLACES = 6
# A degree's seventh decimal is a centimetre.
DEGREE_PLACES = 7
# A tank ship's load and a large fleet's yearly bill: beyond is a slip of the unit or the point.
MAX_LITRES = Decimal(10**8)
MAX_AMOUNT = Decimal(10**9)

# Samsara takes 1 to 32 letters, digits and hyphens; 29 base32 characters are 145 bits.
REFERENCE_PREFIX = "FW-"
REFERENCE_LENGTH = 32


def translate_fuel(write: Write) -> Translation:
    """A fuel purchase. `Translation.reference` is its `transactionReference`, which Samsara never gives back."""
    draft = Draft(write, FUEL_TRANSACTION, provider=PROVIDER)
    draft.fill()
    vehicle_id = write.references["vehicle_id"].source_id
    draft.put("vehicleId", vehicle_id)
    _put_driver(draft)
    time = _put_time(draft)
    _put_place(draft)
    litres = _put_volume(draft)
    amount = _put_price(draft)
    losses = draft.settle()
    if write.idempotency_key is None:
        identity = ["purchase", vehicle_id, time, litres, amount]
    else:
        identity = ["key", write.idempotency_key]
    reference = derive_reference(REFERENCE_PREFIX, *identity, length=REFERENCE_LENGTH)
    draft.put("transactionReference", reference)
    call = endpoints.CREATE_FUEL_PURCHASE.call(body=draft.body)
    return Translation(call=call, losses=losses, reference=reference)


def _put_driver(draft: Draft) -> None:
    driver = draft.write.references["driver_id"]
    if driver.attributes.get("is_driver") is not True:
        draft.fault(
            "driver_id", ErrorType.WRONG_KIND, "Samsara takes a driver here, and this user is not known as one."
        )
    draft.put("driverId", driver.source_id)


def _put_time(draft: Draft) -> str:
    transaction_time = draft.given("transaction_time")
    if transaction_time is None:
        return ""
    text = write_instant(transaction_time)
    draft.put("transactionTime", text)
    return text


def _put_place(draft: Draft) -> None:
    location = draft.given("location_string")
    coordinates = {field: draft.given(field) for field in ("latitude", "longitude")}
    if location and not location.isspace():
        draft.put("transactionLocation", location)
        for field, degrees in coordinates.items():
            if degrees is not None:
                draft.lose(field, "Samsara keeps one place of a fuel purchase, and location_string was sent.")
        return
    missing = [field for field, degrees in coordinates.items() if degrees is None]
    if len(missing) == 1:
        draft.fault(missing[0], ErrorType.REQUIRED_BY_TSP, "Send both coordinates, or location_string.")
    elif missing:
        draft.fault(
            "location_string",
            ErrorType.REQUIRED_BY_TSP,
            "Samsara takes no fuel purchase without a place: an address here, or latitude and longitude.",
        )
    else:
        degrees = (to_text(round_to_places(value, DEGREE_PLACES)) for value in coordinates.values())
        draft.put("transactionLocation", ", ".join(degrees))


def _put_volume(draft: Draft) -> str:
    volume: Decimal = draft.given("fuel_volume")
    litres = to_litres(volume, draft.given("fuel_volume_unit"))
    # Compared before it is rounded or written: a number like 1E+9999 must not be spelled out.
    if litres > MAX_LITRES:
        draft.fault("fuel_volume", ErrorType.RANGE, f"More than {MAX_LITRES} litres is no purchase; mind the unit.")
        return ""
    litres = round_to_places(litres, LITRE_PLACES)
    if litres <= 0:
        draft.fault("fuel_volume", ErrorType.RANGE, "A purchase has a volume above zero.")
        return ""
    text = to_shortest_text(litres)
    draft.put("fuelQuantityLiters", text)
    return text


def _put_price(draft: Draft) -> str:
    """Put amount and currency; return the amount such that 412.60 and 412.6 are the same."""
    cost: Decimal | None = draft.given("total_cost")
    currency: str = draft.given("currency") or ""
    if currency.lower() in CURRENCIES:
        draft.put("transactionPrice.currency", currency.lower())
    elif currency:
        known = ", ".join(sorted(code.upper() for code in CURRENCIES))
        draft.fault("currency", ErrorType.ENUM, f"Samsara takes {known}.")
    if cost is None:
        return ""
    if not 0 <= cost <= MAX_AMOUNT:
        draft.fault("total_cost", ErrorType.RANGE, f"Must be 0 to {MAX_AMOUNT}.")
        return ""
    if round_to_places(cost, MONEY_PLACES) != cost:
        draft.fault(
            "total_cost", ErrorType.RANGE, f"Must have at most {MONEY_PLACES} decimals; it is not rounded here."
        )
        return ""
    # A price such as 1.0000000 equals one of six places and is written with those; -0 has no meaning as a price.
    amount = round_to_places(cost, MONEY_PLACES).copy_abs()
    draft.put("transactionPrice.amount", to_text(amount))
    return to_shortest_text(amount)
