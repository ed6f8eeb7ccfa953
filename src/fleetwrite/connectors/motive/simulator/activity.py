"""Messages and fuel purchases.

Pages: "Send bulk messages to your users (v2)", "List all the messages for user (using a date range)", "Create a new
fuel purchase transaction", "Fetch the fuel purchases of your company" of the API reference.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from fleetwrite.connectors.motive.simulator.collection import page_of, read_body, timestamp
from fleetwrite.connectors.motive.simulator.fleet import Body, FuelType, NonEmpty, Vehicles
from fleetwrite.connectors.motive.simulator.people import Users
from fleetwrite.connectors.sdk.simulator import Answer, Call, Query, Record, RefusalError, Storage

JURISDICTIONS = frozenset(
    (
        *("AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY"),
        *("LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH"),
        *("OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY"),
        *("AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT"),
    )
)


class MessageBody(Body, kw_only=True):
    """A message to some users."""

    sender_id: int
    receiver_ids: Annotated[list[int], Meta(min_length=1)]
    body: NonEmpty


class PurchaseBody(Body, kw_only=True):
    """A fuel purchase."""

    vehicle_id: int
    driver_id: int
    purchased_at: Annotated[datetime, Meta(tz=True)]
    jurisdiction: str
    fuel_type: FuelType
    fuel: Annotated[float, Meta(gt=0)]
    fuel_unit: Literal["gal", "ltr"]
    total_cost: Annotated[float, Meta(ge=0)] | UnsetType = UNSET
    currency: Literal["USD", "CAD"] | UnsetType = UNSET
    ref_no: str | UnsetType = UNSET
    vendor: str | UnsetType = UNSET
    location: str | UnsetType = UNSET
    odometer: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    odometer_unit: Literal["MI", "KM"] | UnsetType = UNSET


class Activity:
    """The handlers of messages and fuel purchases."""

    def __init__(self, storage: Storage, vehicles: Vehicles, users: Users) -> None:
        """Work on ``storage``, where these are."""
        self._storage = storage
        self._vehicles = vehicles
        self._users = users

    def send_message(self, call: Call) -> Answer:
        """``POST /v2/messages``: one message, however many get it."""
        body = read_body(call, MessageBody)
        company = call.caller.organization
        if self._users.require(company, body["sender_id"], "sender_id")["role"] == "driver":
            raise RefusalError(400, "sender_id must be a fleet manager.")
        known = self._storage.collection(company, "users")
        if any(str(key) not in known for key in body["receiver_ids"]):
            raise RefusalError(404, "recipient not found")
        message = {
            "id": f"message:{self._storage.next_number('next message', 70001)}",
            "sender_id": body["sender_id"],
            "recipient_ids": body["receiver_ids"],
            "body": body["body"],
            "attachment": None,
            "location": None,
            "status": "sent",
            "sent_at": timestamp(call.at),
        }
        self._storage.put(company, "messages", message["id"], message)
        return Answer(201, {"message": message})

    def list_messages(self, call: Call) -> Answer:
        """``GET /v2/messages``: those of today, unless days are asked for; the newest first."""
        today = datetime.fromtimestamp(call.at, UTC).date()
        start, end = _day(call.query, "start_date", today), _day(call.query, "end_date", today)
        last_week = today - timedelta(days=today.weekday() + 7)
        if not last_week <= start <= end <= today:
            raise RefusalError(400, "The date range must be between the start of the last week and the end of today.")
        sender = call.query.get("sender_id")
        messages = self._storage.collection(call.caller.organization, "messages").values()
        found = [
            {name: value for name, value in message.items() if name != "recipient_ids"}
            | {"receiver_ids": message["recipient_ids"]}
            for message in reversed(messages)
            if start <= datetime.fromisoformat(message["sent_at"]).date() <= end
            and sender in (None, str(message["sender_id"]))
        ]
        return page_of(call, "message", "messages", found)

    def create_purchase(self, call: Call) -> Answer:
        """``POST /v1/fuel_purchases``. A reference number that was used before is taken again: nothing says no."""
        body = read_body(call, PurchaseBody)
        company = call.caller.organization
        vehicle = self._vehicles.require(company, body.pop("vehicle_id"), "vehicle_id")
        driver = self._users.require(company, body.pop("driver_id"), "driver_id")
        if driver["role"] != "driver":
            raise RefusalError(400, "driver_id must be a driver.")
        if body["jurisdiction"] not in JURISDICTIONS:
            raise RefusalError(400, "jurisdiction must be the code of a state or province.")
        purchase = {
            "id": self._storage.next_number("next fuel purchase", 330001),
            "offline_id": None,
            **body,
            "vehicle": {"id": vehicle["id"], "number": vehicle["number"]},
            "driver": {name: driver[name] for name in ("id", "first_name", "last_name")},
        }
        self._storage.put(company, "fuel_purchases", str(purchase["id"]), purchase)
        return Answer(201, {"fuel_purchase": purchase})

    def list_purchases(self, call: Call) -> Answer:
        """``GET /v1/fuel_purchases``: of the last seven days, unless days are asked for."""
        today = datetime.fromtimestamp(call.at, UTC).date()
        start = _day(call.query, "start_date", today - timedelta(days=7))
        end = _day(call.query, "end_date", today)
        vehicles = {key for key in (call.query.get("vehicle_ids") or "").split(",") if key}
        found = [
            purchase
            for purchase in self._storage.collection(call.caller.organization, "fuel_purchases").values()
            if start <= datetime.fromisoformat(purchase["purchased_at"]).date() <= end
            and (not vehicles or str(purchase["vehicle"]["id"]) in vehicles)
        ]
        return page_of(call, "fuel_purchase", "fuel_purchases", found)

    def records(self, company: str, collection: str) -> list[Record]:
        """Return messages or fuel purchases as they are stored."""
        return list(self._storage.collection(company, collection).values())


def _day(query: Query, name: str, default: date) -> date:
    text = query.get(name)
    if text is None:
        return default
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RefusalError(400, f"{name} must be a date as YYYY-MM-DD.") from None
