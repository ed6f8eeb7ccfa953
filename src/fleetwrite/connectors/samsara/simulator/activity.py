"""What happens on the road: driver messages, mechanics' inspection reports, fuel purchases.

Pages: "Send a message to a list of driver ids", "Get all messages", "Creates a new dvir", "Get DVIRs"
(stream), "Create a fuel purchase transaction" of the API reference.
"""

from datetime import UTC, datetime
from uuid import uuid4

from fleetwrite.connectors.samsara.simulator import fields as f
from fleetwrite.connectors.samsara.simulator.directory import (
    DVIRS_PAGE,
    Directory,
    after_time,
    cursor,
    page,
    timestamp,
    values,
)
from fleetwrite.connectors.sdk.simulator import Answer, Call, Record, RefusalError

MESSAGE = f.Fields(
    {"driverIds": f.list_of(f.integer(1), minimum=1), "text": f.text(1, 2500)}, required=("driverIds", "text")
)

DVIR = f.Fields(
    {
        "authorId": f.text(1),
        "type": f.choice("mechanic"),
        "safetyStatus": f.choice("safe", "unsafe"),
        "vehicleId": f.text(1),
        "trailerId": f.text(1),
        "odometerMeters": f.integer(0),
        "location": f.text(),
        "mechanicNotes": f.text(),
        "licensePlate": f.text(0, 12),
        "resolvedDefectIds": f.list_of(f.text(1)),
    },
    required=("authorId", "type", "safetyStatus"),
)

FUEL_TYPES = (
    *("Unspecified", "A55", "Biodiesel", "CompressedNaturalGas", "Diesel", "E85", "Electricity", "Ethanol"),
    *("Gasohol", "Gasoline", "Hydrogen", "LiquifiedNaturalGas", "M85", "Methanol", "Propane", "Other"),
)
_MONEY = f.shape(
    f.Fields(
        {"amount": f.decimal, "currency": f.choice("usd", "gbp", "cad", "eur", "chf", "mxn")},
        required=("amount", "currency"),
    )
)

FUEL_PURCHASE = f.Fields(
    {
        "transactionReference": f.text(1, 32, "[A-Za-z0-9-]+"),
        "transactionTime": f.instant,
        "transactionLocation": f.text(1),
        "fuelQuantityLiters": f.decimal,
        "transactionPrice": _MONEY,
        "vehicleId": f.text(1),
        "driverId": f.text(1),
        "iftaFuelType": f.choice(*FUEL_TYPES),
        "fuelGrade": f.choice("Unknown", "Regular", "Premium"),
        "merchantName": f.text(),
        "source": f.text(),
        "discount": _MONEY,
    },
    required=(
        *("transactionReference", "transactionTime", "transactionLocation"),
        *("fuelQuantityLiters", "transactionPrice"),
    ),
)

DAY_MS = 24 * 60 * 60 * 1000


class ActivityEndpoints:
    """The handlers of messages, inspection reports and fuel purchases."""

    def __init__(self, directory: Directory) -> None:
        """Work on ``directory``."""
        self._directory = directory

    def send_messages(self, call: Call) -> Answer:
        """``POST /v1/fleet/messages``: one message for each driver, or none at all. No id comes back."""
        body = MESSAGE.read(call)
        organization = call.caller.organization
        storage = self._directory.storage
        for number in body["driverIds"]:
            self._directory.require(organization, "drivers", "driverIds", str(number))
        name = storage.setting("organizations")[organization]["name"]
        for number in body["driverIds"]:
            message = {
                "driverId": number,
                "text": body["text"],
                "sentAtMs": int(call.at * 1000),
                "isRead": False,
                "sender": {"type": "dispatch", "name": name},
            }
            key = str(storage.next_number("next message", 1))
            storage.put(organization, "messages", key, message)
        return Answer(200, {"data": [{"driverId": number, "text": body["text"]} for number in body["driverIds"]]})

    def list_messages(self, call: Call) -> Answer:
        """``GET /v1/fleet/messages``: the newest first, of the last 24 hours unless asked otherwise."""
        end = _milliseconds(call, "endMs", int(call.at * 1000))
        start = end - _milliseconds(call, "durationMs", DAY_MS)
        messages = self._directory.storage.collection(call.caller.organization, "messages").values()
        return Answer(200, {"data": [message for message in reversed(messages) if start <= message["sentAtMs"] <= end]})

    def create_dvir(self, call: Call) -> Answer:
        """``POST /fleet/dvirs``: a mechanic's report, signed now."""
        body = DVIR.read(call)
        organization = call.caller.organization
        self._directory.require(organization, "users", "authorId", body["authorId"])
        if body.get("vehicleId") is None and body.get("trailerId") is None:
            raise RefusalError(400, "Either vehicleId or trailerId must be provided.")
        for kind in ("vehicle", "trailer"):
            name = f"{kind}Id"
            self._directory.require(organization, "assets", name, body.get(name))
            assets = self._directory.storage.collection(organization, "assets")
            if body.get(name) is not None and assets[body[name]]["type"] != kind:
                raise RefusalError(400, f"Invalid value for field '{name}': {body[name]} is no {kind}.")
        for key in body.get("resolvedDefectIds") or ():
            raise RefusalError(400, f"Invalid value for field 'resolvedDefectIds': no defect with id {key}.")
        dvir = {
            "id": self._directory.new_id("dvirs"),
            "signedAtTime": timestamp(call.at),
            **{name: value for name, value in body.items() if value is not None},
        }
        self._directory.storage.put(organization, "dvirs", dvir["id"], dvir)
        return Answer(200, {"data": self._dvir(dvir, organization)})

    def stream_dvirs(self, call: Call) -> Answer:
        """``GET /dvirs/stream``. Without an end it never ends: the last page, too, has a cursor to go on
        from.
        """
        start, end = after_time(call.query, "startTime"), after_time(call.query, "endTime")
        if start is None:
            raise RefusalError(400, "Required parameter 'startTime' is missing.")
        statuses = values(call.query, "safetyStatus")
        organization = call.caller.organization
        dvirs = self._directory.storage.collection(organization, "dvirs")

        def wanted(record: Record) -> bool:
            moment = datetime.fromisoformat(record["signedAtTime"])
            return start <= moment < (end or datetime.max.replace(tzinfo=UTC)) and (
                not statuses or record["safetyStatus"] in statuses
            )

        include = call.query.get("includeExternalIds") == "true"
        result = page(
            call,
            dvirs,
            lambda records: filter(wanted, records),
            lambda record: self._streamed(record, organization, external_ids=include),
            DVIRS_PAGE,
        )
        if end is None and not result["pagination"]["endCursor"]:
            last = result["data"][-1]["id"] if result["data"] else None
            result["pagination"]["endCursor"] = cursor(last) if last else (call.query.get("after") or cursor("0"))
        return Answer(200, result)

    def create_fuel_purchase(self, call: Call) -> Answer:
        """``POST /fuel-purchase``. A reference that was used before is taken again: nothing documented says
        no.
        """
        body = FUEL_PURCHASE.read(call)
        organization = call.caller.organization
        self._directory.require(organization, "drivers", "driverId", body.get("driverId"))
        vehicle = body.get("vehicleId")
        assets = self._directory.storage.collection(organization, "assets")
        if vehicle is not None and assets.get(vehicle, {}).get("type") != "vehicle":
            raise RefusalError(400, f"Invalid value for field 'vehicleId': no vehicle with id {vehicle}.")
        purchase = {"uuid": str(uuid4()), **{name: value for name, value in body.items() if value is not None}}
        self._directory.storage.put(organization, "fuel-purchase", purchase["uuid"], purchase)
        return Answer(200, {"data": {"uuid": purchase["uuid"]}})

    def records(self, organization: str, collection: str) -> list[Record]:
        """Return messages, inspection reports or fuel purchases with everything that is stored of them."""
        records = self._directory.storage.collection(organization, collection).values()
        if collection == "dvirs":
            return [{**record, **self._dvir(record, organization)} for record in records]
        return list(records)

    def _dvir(self, record: Record, organization: str) -> Record:
        user = self._directory.storage.collection(organization, "users").get(record["authorId"], {})
        names = ("id", "type", "safetyStatus", "odometerMeters", "location", "mechanicNotes", "licensePlate")
        shown = {name: record[name] for name in names if name in record}
        for kind in ("vehicle", "trailer"):
            asset = self._asset(organization, record.get(f"{kind}Id"))
            if asset is not None:
                shown[kind] = {"id": asset["id"], "name": asset.get("name", "")}
        return shown | {
            "startTime": record["signedAtTime"],
            "endTime": record["signedAtTime"],
            "authorSignature": {
                "type": "mechanic",
                "signedAtTime": record["signedAtTime"],
                "signatoryUser": {"id": record["authorId"], "name": user.get("name", "")},
            },
        }

    def _streamed(self, record: Record, organization: str, *, external_ids: bool) -> Record:
        names = ("id", "type", "safetyStatus", "odometerMeters", "mechanicNotes")
        shown = {name: record[name] for name in names if name in record}
        for kind in ("vehicle", "trailer"):
            asset = self._asset(organization, record.get(f"{kind}Id"))
            if asset is not None:
                extra = {"externalIds": asset.get("externalIds", {})} if external_ids else {}
                shown[kind] = {"id": asset["id"], **extra}
        if "location" in record:
            shown["formattedAddress"] = record["location"]
        return shown | {
            "dvirSubmissionBeginTime": record["signedAtTime"],
            "dvirSubmissionTime": record["signedAtTime"],
            "updatedAtTime": record["signedAtTime"],
            "authorSignature": {
                "type": "mechanic",
                "signedAtTime": record["signedAtTime"],
                "signatoryUser": {"id": record["authorId"]},
            },
        }

    def _asset(self, organization: str, key: str | None) -> Record | None:
        """Return an asset, or None where there is none, or no longer (a trailer can be deleted)."""
        return None if key is None else self._directory.storage.collection(organization, "assets").get(key)


def _milliseconds(call: Call, name: str, default: int) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise RefusalError(400, f"Invalid value for parameter '{name}': must be milliseconds.")
    return int(text)
