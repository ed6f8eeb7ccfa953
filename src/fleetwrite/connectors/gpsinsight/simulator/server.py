"""The GPS Insight simulator: which methods there are, for whom, and how errors look.

QUIRKS.md beside the connector says what of this is documented and what assumed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from fleetwrite.connectors.gpsinsight.simulator.accounts import Account, demo_accounts, driver_id
from fleetwrite.connectors.sdk.simulator import (
    Answer,
    Arriving,
    Call,
    Caller,
    DemoAccount,
    Endpoint,
    KeyedLimit,
    Limit,
    Record,
    RefusalError,
    Simulator,
)

LOG_IN = "userauth/login"

# How many calls there may be is not documented, only that they are counted.
ACCOUNT_LIMIT = Limit(requests=60, per_seconds=60)

SESSION_S = 86_400.0

# Statuses that the API tells as codes in its envelope, with HTTP 200; others come from servers in front of it.
_CODES = frozenset({400, 403, 404, 429, 500})

# All times of the API are Mountain Standard Time.
_MST = timezone(timedelta(hours=-7))

_VEHICLE_COLUMNS = frozenset(
    {"vin", "label", "color", "country", "license_state", "license_number", "make", "model", "model_year", "fuel_type"}
)
_DRIVER_COLUMNS = frozenset({"firstname", "lastname", "email", "phone", "ref_id", "timezone", "alert_pref"})
_LISTED_DRIVER_COLUMNS = ("id", "firstname", "lastname", "email", "phone")
_SHORT_VEHICLE_COLUMNS = ("id", "vin", "label", "serial_number")
_FUEL_TYPES = frozenset({"U", "D", "N"})

# Whose login it is that nobody knows.
NOBODY = Caller("", "nobody", frozenset())

Parameters = Mapping[str, str]
"""Those of a call's parameters that say something."""


class GpsInsightSimulator(Simulator):
    """Accounts with one user each, behind the methods that writes, look-ups and pulls need."""

    name = "gpsinsight"
    secret_fields = frozenset({"password", "app_token", "session_token"})
    collections = ("vehicles", "drivers", "messages")

    def __init__(self, data_dir: Path, **options: Any) -> None:
        """Simulate two demonstration fleets on the data in ``data_dir``; what they hold is created at the first
        start.
        """
        super().__init__(data_dir, **options)
        self._accounts = {account.key: account for account in demo_accounts()}

    @property
    def organization_ids(self) -> tuple[str, ...]:
        """All accounts."""
        return tuple(self._accounts)

    def prepare(self) -> None:
        """Create the records of accounts that are new."""
        for account in self._accounts.values():
            if self.storage.setting(f"next driver of {account.key}") is None:
                self._seed(account)

    def _seed(self, account: Account) -> None:
        vehicles = [self._add_vehicle(account.key, columns) for columns in account.vehicles]
        for columns in account.drivers:
            driver = self._add_driver(account.key, {k: v for k, v in columns.items() if k != "vehicle"})
            if "vehicle" in columns:
                vehicle = {**vehicles[columns["vehicle"]], "driver_id": driver["id"]}
                self.storage.put(account.key, "vehicles", vehicle["id"], vehicle)

    def demo_accounts(self) -> Sequence[DemoAccount]:
        """Return all accounts."""
        return [
            DemoAccount(
                fleet_name=account.name,
                account_id=account.key,
                credentials={"username": account.username, "password": account.password},
                settings={},
            )
            for account in self._accounts.values()
        ]

    def endpoints(self) -> Sequence[Endpoint]:
        """Return a row for each method."""
        handlers: dict[str, Callable[[Call, Parameters], Any]] = {
            LOG_IN: self._log_in,
            "vehicle/list": self._list_vehicles,
            "vehicle/location": self._locate_vehicles,
            "vehicle/create": self._create_vehicle,
            "vehicle/update": self._update_vehicle,
            "driver/list": self._list_drivers,
            "driver/create": self._create_driver,
            "driver/update": self._update_driver,
            "drivergroup/list": self._list_driver_groups,
            "dispatch/message": self._send_message,
        }
        return [Endpoint("POST", _path(name), self._serving(handler)) for name, handler in handlers.items()]

    def authenticate(self, arriving: Arriving) -> Caller:
        """Return whose call it is, by its session; a login is let through as whomever it claims to be."""
        form = arriving.form()
        if arriving.path == _path(LOG_IN):
            given = (form.get("username"), form.get("password"))
            owners = (one for one in self._accounts.values() if given == (one.username, one.password))
            owner = next(owners, None)
            return NOBODY if owner is None else Caller(owner.key, "login", frozenset())
        session = self.sessions.find(form.get("session_token", ""))
        if session is None:
            raise RefusalError(403, "Forbidden (session does not exist)")
        return Caller(session["account"], "session", frozenset())

    def limits(self, caller: Caller, endpoint: Endpoint | None) -> Sequence[KeyedLimit]:
        """Return the limit of the account; nothing is known of one for logins."""
        is_login = endpoint is not None and endpoint.path == _path(LOG_IN)
        return [] if is_login else [KeyedLimit(caller.organization, ACCOUNT_LIMIT)]

    def render(self, refusal: RefusalError, path: str) -> Answer:
        """Return the envelope of an error; what is none of the API's comes from the servers in front of it."""
        if refusal.status not in _CODES:
            page = f"<html><body>{refusal.message}</body></html>".encode()
            return Answer(refusal.status, page, refusal.headers, content_type="text/html")
        head = {"status": "ERROR", "method": _method(path)}
        errors = [{"code": refusal.status, "message": refusal.message}]
        return Answer(200, {"head": head, "errors": errors, "data": None}, refusal.headers)

    def records(self, organization: str, collection: str) -> list[Record]:
        """Return an account's records as they are stored."""
        return list(self.storage.collection(organization, collection).values())

    def _serving(self, handler: Callable[[Call, Parameters], Any]) -> Callable[[Call], Answer]:
        def serve(call: Call) -> Answer:
            # Empty parameters change nothing, and those that are not known are passed over.
            data = handler(call, {name: value for name, value in call.form().items() if value})
            head = {
                "status": "OK",
                "method": _method(call.path),
                "context": "customer",
                "request_time": datetime.fromtimestamp(call.at, UTC).astimezone(_MST).strftime("%b %d %Y %H:%M:%S"),
            }
            # An empty list is told as nothing.
            return Answer(200, {"head": head, "data": None if data == [] else data})

        return serve

    def _log_in(self, call: Call, given: Parameters) -> Any:
        del given
        if call.caller is NOBODY:
            raise RefusalError(403, "Forbidden")
        return {"token": self.sessions.open({"account": call.caller.organization}, lasts_s=SESSION_S)}

    def _list_vehicles(self, call: Call, given: Parameters) -> Any:
        rows = self._vehicles(call) if "vehicle" not in given else [self._vehicle(call, given)]
        if given.get("details") == "1":
            return [{name: value for name, value in row.items() if name != "driver_id"} for row in rows]
        return [{name: row[name] for name in _SHORT_VEHICLE_COLUMNS} for row in rows]

    def _locate_vehicles(self, call: Call, given: Parameters) -> Any:
        del given
        drivers = self.storage.collection(call.caller.organization, "drivers")
        rows = []
        for row in self._vehicles(call):
            driver = drivers.get(str(row.get("driver_id")), {})
            shown = {name: row[name] for name in _SHORT_VEHICLE_COLUMNS}
            shown |= {"latitude": 33.6604276, "longitude": -111.924858, "ignition": "off"}
            shown |= {"driver_id": str(driver["id"]) if driver else None}
            rows.append({**shown, "first_name": driver.get("firstname"), "last_name": driver.get("lastname")})
        return rows

    def _create_vehicle(self, call: Call, given: Parameters) -> Any:
        for name in ("serial_number", "label", "vin"):
            if name not in given:
                raise RefusalError(400, f"Bad Request ({name} is required)")
        if any(str(row["serial_number"]) == given["serial_number"] for row in self._vehicles(call)):
            raise RefusalError(400, "Bad Request (serial number already in use)")
        self._add_vehicle(call.caller.organization, given)
        return "Vehicle created"

    def _update_vehicle(self, call: Call, given: Parameters) -> Any:
        old = self._vehicle(call, given)
        new = {**old, **_columns(given, _VEHICLE_COLUMNS | {"ref_id"})}
        self.storage.put(call.caller.organization, "vehicles", old["id"], new)
        return "Vehicle updated"

    def _list_drivers(self, call: Call, given: Parameters) -> Any:
        rows = self._drivers(call) if "driver" not in given else [self._driver(call, given)]
        return [{name: row.get(name) for name in _LISTED_DRIVER_COLUMNS} for row in rows]

    def _create_driver(self, call: Call, given: Parameters) -> Any:
        for name in ("lastname", "timezone"):
            if name not in given:
                raise RefusalError(400, f"Bad Request ({name} is required)")
        driver = self._add_driver(call.caller.organization, given)
        return [{"driver_id": str(driver["id"]), "result": "Created"}]

    def _update_driver(self, call: Call, given: Parameters) -> Any:
        old = self._driver(call, given)
        new = {**old, **_columns(given, _DRIVER_COLUMNS)}
        self.storage.put(call.caller.organization, "drivers", str(old["id"]), new)
        return "Driver updated"

    def _list_driver_groups(self, call: Call, given: Parameters) -> Any:
        del call, given
        return [{"group_id": 2, "group": "ALL DRIVERS"}]

    def _send_message(self, call: Call, given: Parameters) -> Any:
        vehicle = self._vehicle(call, given)
        if "message" not in given:
            raise RefusalError(400, "Bad Request (message is required)")
        number = str(self.storage.next_number("next message", 5_911_904))
        message = {"queue_id": number, "vin": vehicle["id"], "mesg_text": given["message"], "status": "Queued"}
        self.storage.put(call.caller.organization, "messages", number, message)
        return "Message sent"

    def _add_vehicle(self, account: str, given: Parameters) -> Record:
        serial_number = given["serial_number"]
        vehicle = {
            "id": f"CA{serial_number}",
            **_columns(given, _VEHICLE_COLUMNS),
            # Shown as a number, so that zeros at its beginning are gone.
            "serial_number": int(serial_number) if serial_number.isdecimal() else serial_number,
            "source": "CA",
        }
        self.storage.put(account, "vehicles", vehicle["id"], vehicle)
        return vehicle

    def _add_driver(self, account: str, given: Parameters) -> Record:
        position = self.storage.next_number(f"next driver of {account}", 0)
        driver = {**_columns(given, _DRIVER_COLUMNS), "id": int(driver_id(self._accounts[account], position))}
        self.storage.put(account, "drivers", str(driver["id"]), driver)
        return driver

    def _vehicle(self, call: Call, given: Parameters) -> Record:
        """Return the vehicle that is meant: by id, VIN, serial number, name or, in the end, a part of a name."""
        rows = self._vehicles(call)
        return _search(rows, given.get("vehicle"), [[row.get(name) for row in rows] for name in _SHORT_VEHICLE_COLUMNS])

    def _driver(self, call: Call, given: Parameters) -> Record:
        """Return the driver that is meant: by reference id, then by id, by last, first or both names, or a part."""
        rows = self._drivers(call)
        columns = [[row.get(name) for row in rows] for name in ("ref_id", "id", "firstname", "lastname")]
        both = [f"{row.get('firstname')} {row.get('lastname')}" for row in rows]
        return _search(rows, given.get("driver"), [*columns, both])

    def _vehicles(self, call: Call) -> list[Record]:
        return self.records(call.caller.organization, "vehicles")

    def _drivers(self, call: Call) -> list[Record]:
        return self.records(call.caller.organization, "drivers")


def _path(method: str) -> str:
    return f"/v2/{method}/json"


def _method(path: str) -> str:
    return path.removeprefix("/v2/").removesuffix("/json")


def _search(rows: Sequence[Record], wanted: str | None, columns: Sequence[Iterable[Any]]) -> Record:
    """Return the first row that has what is wanted, by one column after the other; the last also by a part."""
    if wanted is None:
        raise RefusalError(400, "Bad Request")
    for column in columns:
        for row, value in zip(rows, column, strict=True):
            if str(value) == wanted:
                return row
    for row in rows:
        names = (str(row.get(name, "")).lower() for name in ("label", "lastname", "firstname"))
        if any(wanted.lower() in name for name in names):
            return row
    raise RefusalError(404, "Not Found")


def _columns(given: Parameters, known: frozenset[str]) -> dict[str, Any]:
    """Return the columns that parameters set."""
    columns: dict[str, Any] = {name: value for name, value in given.items() if name in known}
    if columns.get("fuel_type", "N") not in _FUEL_TYPES:
        raise RefusalError(400, "Bad Request (fuel_type)")
    if "model_year" in columns:
        if not columns["model_year"].isdecimal():
            raise RefusalError(400, "Bad Request (model_year)")
        columns["model_year"] = int(columns["model_year"])
    return columns
