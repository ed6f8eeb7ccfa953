"""The Webfleet simulator: which actions there are, with which limits, for whom, and how errors look.

QUIRKS.md beside the connector says what of this is documented and what assumed.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

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
from fleetwrite.connectors.webfleet.simulator.accounts import Account, demo_accounts, driver_uid, vehicle_uid

PATH = "/extern"

# How calls are counted is not documented; a sliding window is the strictest way.
TEN_A_MINUTE = Limit(requests=10, per_seconds=60)
TEXTS = Limit(requests=300, per_seconds=1800)

UNKNOWN_ACTION = 55
NOTHING_THERE = 63
WRONG_LOGIN = 1101
WRONG_API_KEY = 1143
LOGIN_IN_PARAMETERS = 1180
QUOTA_REACHED = 8011
# Made up: what Webfleet says of bad parameters is not known to us.
BAD_PARAMETER = 9001
NO_SUCH_RECORD = 9002
NUMBER_TAKEN = 9003

# What the base of all simulators decides by status, Webfleet tells by a code.
_CODES = {401: WRONG_LOGIN, 404: UNKNOWN_ACTION, 429: QUOTA_REACHED}

# Parameter -> the most characters it may have.
_VEHICLE_LENGTHS = {"denotation": 30, "identnumber": 20, "licenseplatenumber": 20, "description": 500}
_DRIVER_LENGTHS = {
    "driverno": 20,
    "name": 50,
    "name2": 50,
    "email": 50,
    "telmobile": 50,
    "license_number": 20,
    "license_country": 2,
    "description": 4000,
}
MAX_MESSAGE_LENGTH = 1000

# Whatever writes answers with nothing when it was done.
DONE = Answer(200, b"", content_type="text/plain")

# Parameter -> column, where reports call it otherwise.
_VEHICLE_COLUMNS = {"denotation": "objectname", "fueltype": "vh_fueltype", "numaxles": "numaxes"}
_VEHICLE_PARAMETERS = frozenset({*_VEHICLE_LENGTHS, "fueltype", "numaxles", "manufacturedyear", "externalid"})
_NUMBERS = frozenset({"fueltype", "manufacturedyear"})
_LICENSE_KEYS = {
    "license_number": "number",
    "license_country": "country",
    "license_state": "state",
    "license_expiry_date": "expiry_date",
}


class CodedRefusalError(RefusalError):
    """A refusal with a code of Webfleet's; they come with HTTP 200."""

    def __init__(self, code: int, message: str) -> None:
        """Keep the code for the answer."""
        super().__init__(200, message)
        self.code = code


class WebfleetSimulator(Simulator):
    """Accounts with one user each, behind the actions that writes, look-ups and pulls need."""

    name = "webfleet"
    secret_fields = frozenset({"apikey", "password"})
    collections = ("vehicles", "drivers", "messages")

    def __init__(self, data_dir: Path, **options: Any) -> None:
        """Simulate two demonstration fleets on the data in ``data_dir``; what they hold is created at the first
        start.
        """
        super().__init__(data_dir, **options)
        self._accounts = {account.name: account for account in demo_accounts()}

    @property
    def organization_ids(self) -> tuple[str, ...]:
        """All accounts, by name."""
        return tuple(self._accounts)

    def prepare(self) -> None:
        """Create the records of accounts that are new."""
        for account in self._accounts.values():
            if self.storage.setting(f"next driver of {account.name}") is None:
                self._seed(account)

    def _seed(self, account: Account) -> None:
        for position, vehicle in enumerate(account.vehicles):
            uid = vehicle_uid(account, position)
            self.storage.put(account.name, "vehicles", uid, {**vehicle, "objectuid": uid})
        for driver in account.drivers:
            row = {name: value for name, value in driver.items() if name != "vehicle"}
            if "vehicle" in driver:
                uid = vehicle_uid(account, driver["vehicle"])
                vehicle = self.storage.collection(account.name, "vehicles")[uid]
                row |= {"objectno": vehicle["objectno"], "objectuid": uid, "signontime": "2026-11-02T06:00:00Z"}
            self._add_driver(account.name, row)

    def _add_driver(self, account: str, row: Record) -> None:
        uid = driver_uid(self._accounts[account], self.storage.next_number(f"next driver of {account}", 0))
        self.storage.put(account, "drivers", uid, {**row, "driveruid": uid})

    def demo_accounts(self) -> Sequence[DemoAccount]:
        """Return all accounts."""
        return [
            DemoAccount(
                fleet_name=account.fleet_name,
                account_id=account.name,
                credentials={
                    "username": f"{account.name}/{account.user}",
                    "password": account.password,
                    "api_key": account.api_key,
                },
                settings={},
            )
            for account in self._accounts.values()
        ]

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the table of actions; each is taken as a GET and as a POST."""
        handlers: dict[str, tuple[Callable[[Call], Answer], Limit]] = {
            "updateVehicle": (self._update_vehicle, TEN_A_MINUTE),
            "insertDriverExtern": (self._insert_driver, TEN_A_MINUTE),
            "updateDriverExtern": (self._update_driver, TEN_A_MINUTE),
            "sendTextMessageExtern": (self._send_text, TEXTS),
            "showVehicleReportExtern": (self._show_vehicles, TEN_A_MINUTE),
            "showDriverReportExtern": (self._show_drivers, TEN_A_MINUTE),
            "showDriverGroups": (self._show_driver_groups, TEN_A_MINUTE),
        }
        return [
            Endpoint(method, PATH, handler, limit=limit, operation=action)
            for action, (handler, limit) in handlers.items()
            for method in ("GET", "POST")
        ]

    def operation(self, arriving: Arriving) -> str | None:
        """Return the action."""
        return _given(arriving, "action").get("action")

    def authenticate(self, arriving: Arriving) -> Caller:
        """Look the account up, and check its user, password and API key."""
        parameters = _given(arriving, "account", "apikey", "username", "password")
        if parameters.keys() & {"username", "password"}:
            raise CodedRefusalError(LOGIN_IN_PARAMETERS, "URL credentials are not supported. Use BasicAuth instead.")
        account = self._accounts.get(parameters.get("account", ""))
        if account is None or _basic(arriving.headers) != (account.user, account.password):
            raise CodedRefusalError(WRONG_LOGIN, "Invalid login.")
        if parameters.get("apikey") != account.api_key:
            raise CodedRefusalError(WRONG_API_KEY, "API key is invalid.")
        return Caller(account.name, f"{account.name}/{account.user}", frozenset())

    def limits(self, caller: Caller, endpoint: Endpoint | None) -> Sequence[KeyedLimit]:
        """Return the limit of the action, which all users of an account share."""
        if endpoint is None or endpoint.limit is None:
            return []
        return [KeyedLimit((caller.organization, endpoint.operation), endpoint.limit)]

    def render(self, refusal: RefusalError, path: str) -> Answer:
        """Answer with a code and HTTP 200; what has none comes from the servers in front of Webfleet."""
        del path
        code = refusal.code if isinstance(refusal, CodedRefusalError) else _CODES.get(refusal.status)
        if code is None:
            page = f"<html><body>{refusal.message}</body></html>".encode()
            return Answer(refusal.status, page, refusal.headers, content_type="text/html")
        headers = {
            **refusal.headers,
            "X-Webfleet-Errorcode": str(code),
            "X-Webfleet-Errormessage": refusal.message,
        }
        if code == NOTHING_THERE:
            return Answer(200, f"{code},{refusal.message}".encode(), content_type="text/plain")
        return Answer(200, {"errorCode": code, "errorMsg": refusal.message}, headers)

    def records(self, organization: str, collection: str) -> list[Record]:
        """Return a collection as its report shows it."""
        return list(self.storage.collection(organization, collection).values())

    def _show_vehicles(self, call: Call) -> Answer:
        return self._report(call, "vehicles", "objectuid", "objectno", "externalid")

    def _show_drivers(self, call: Call) -> Answer:
        return self._report(call, "drivers", "driveruid", "driverno")

    def _show_driver_groups(self, call: Call) -> Answer:
        """Nobody has made a group."""
        del call
        raise CodedRefusalError(NOTHING_THERE, "document is empty")

    def _report(self, call: Call, collection: str, *filters: str) -> Answer:
        wanted = _given(call, *filters)
        rows = [
            row
            for row in self.storage.collection(call.caller.organization, collection).values()
            if all(row.get(name) == value for name, value in wanted.items())
        ]
        if not rows:
            raise CodedRefusalError(NOTHING_THERE, "document is empty")
        return Answer(200, rows)

    def _update_vehicle(self, call: Call) -> Answer:
        vehicle = self._addressed(call, "vehicles", {"objectuid": "objectuid", "objectno": "objectno"})
        given: dict[str, Any] = _checked(_given(call, *_VEHICLE_PARAMETERS), _VEHICLE_LENGTHS)
        for name in _NUMBERS & given.keys():
            given[name] = _number(name, given[name])
        changed = {_VEHICLE_COLUMNS.get(name, name): value for name, value in given.items()}
        self.storage.put(call.caller.organization, "vehicles", vehicle["objectuid"], {**vehicle, **changed})
        return DONE

    def _insert_driver(self, call: Call) -> Answer:
        given = _driver(call, {})
        for name, column in (("driverno", "driverno"), ("name", "name1")):
            if column not in given:
                raise CodedRefusalError(BAD_PARAMETER, f"Parameter {name} is missing.")
        self._require_free(call.caller.organization, given["driverno"], None)
        self._add_driver(call.caller.organization, given)
        return DONE

    def _update_driver(self, call: Call) -> Answer:
        driver = self._addressed(call, "drivers", {"driveruid": "driveruid", "driverno_old": "driverno"})
        given = _driver(call, driver)
        self._require_free(call.caller.organization, given.get("driverno"), driver["driveruid"])
        self.storage.put(call.caller.organization, "drivers", driver["driveruid"], {**driver, **given})
        return DONE

    def _send_text(self, call: Call) -> Answer:
        vehicle = self._addressed(call, "vehicles", {"objectuid": "objectuid", "objectno": "objectno"})
        text = _given(call, "messagetext").get("messagetext", "")
        if not 1 <= len(text) <= MAX_MESSAGE_LENGTH:
            raise CodedRefusalError(BAD_PARAMETER, f"messagetext must have 1 to {MAX_MESSAGE_LENGTH} characters.")
        number = str(self.storage.next_number("next message", 1))
        sent_at = datetime.fromtimestamp(call.at, UTC).isoformat(timespec="seconds")
        message = {"msgid": number, "objectuid": vehicle["objectuid"], "msgtext": text, "msgtime": sent_at}
        self.storage.put(call.caller.organization, "messages", number, message)
        return DONE

    def _addressed(self, call: Call, collection: str, keys: Mapping[str, str]) -> Record:
        """Return the record that a write is about, by the first of ``keys`` (parameter -> column) that is given."""
        given = _given(call, *keys)
        name = next((name for name in keys if name in given), None)
        rows = self.storage.collection(call.caller.organization, collection).values()
        found = next((row for row in rows if name is not None and row[keys[name]] == given[name]), None)
        if found is None:
            raise CodedRefusalError(NO_SUCH_RECORD, f"There is no such {collection.removesuffix('s')}.")
        return found

    def _require_free(self, account: str, number: str | None, owner: str | None) -> None:
        for row in self.storage.collection(account, "drivers").values():
            if row["driverno"] == number and row["driveruid"] != owner:
                raise CodedRefusalError(NUMBER_TAKEN, f"The driver number {number} is already in use.")


def _given(call: Arriving | Call, *names: str) -> dict[str, str]:
    """Return those of the parameters that say something, from the address or a form. Empty ones change nothing, and
    unknown ones are passed over.
    """
    form = call.form()
    return {name: value for name in names if (value := call.query.get(name) or form.get(name))}


def _basic(headers: Mapping[str, str]) -> tuple[str, str] | None:
    scheme, _, encoded = headers.get("Authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if scheme.lower() == "basic" else None


def _checked(given: dict[str, str], lengths: Mapping[str, int]) -> dict[str, str]:
    for name, value in given.items():
        if len(value) > lengths.get(name, len(value)):
            raise CodedRefusalError(BAD_PARAMETER, f"{name} may have {lengths[name]} characters.")
    return given


def _driver(call: Call, old: Record) -> dict[str, Any]:
    """The columns that the parameters of a driver set."""
    given = _checked(_given(call, *_DRIVER_LENGTHS, *_LICENSE_KEYS), _DRIVER_LENGTHS)
    if "name" in given:
        given["name1"] = given.pop("name")
    if "license_expiry_date" in given:
        _require_date(given["license_expiry_date"])
    licence = {key: given.pop(name) for name, key in _LICENSE_KEYS.items() if name in given}
    if licence:
        held = msgspec.json.decode(old["driving_license"]) if "driving_license" in old else {}
        # Reports show it as a JSON object in a text.
        given["driving_license"] = msgspec.json.encode({**held, **licence}).decode()
    return given


def _require_date(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise CodedRefusalError(BAD_PARAMETER, "license_expiry_date must be an ISO 8601 date.") from None


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise CodedRefusalError(BAD_PARAMETER, f"{name} must be a number.")
    return int(text)
