"""The Zonar simulator: which operations there are, for whom, and how answers look.

QUIRKS.md beside the connector says what of this is documented and what assumed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

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
from fleetwrite.connectors.zonar.simulator.accounts import Account, asset, demo_accounts, operator

PATH = "/interface.php"

# None is published. What a web server of the vendor's would mind is a guess.
ASSUMED_LIMIT = Limit(requests=60, per_seconds=60)

MISSING = 107
AUTHENTICATION_FAILED = 109
BAD_INFORMATION = 110
UNKNOWN_OPERATION = 111
NO_USER_AGENT = 113
NOT_FOUND = 201
NOT_UNIQUE = 202

# What the base of all simulators decides by status, Zonar tells by a code.
_CODES = {401: AUTHENTICATION_FAILED, 404: UNKNOWN_OPERATION}

ASSET_TYPES = ("Standard", "Trailer")

_STATUS_WORDS = {"1": "active", "2": "inactive"}
_OPERATOR_STATUS_WORDS = {"1": "active", "2": "revoked"}

# Parameter -> the most characters it may have.
_ASSET_LENGTHS = {"fleet": 20, "name": 20, "vin": 40, "exsid": 40}
_OPERATOR_LENGTHS = {"fname": 32, "lname": 32, "empnum": 20, "cdl": 20, "exsid": 40}

# Parameter -> the element of the list, where these differ.
_ASSET_ELEMENTS = {"tagid": "tag", "engine_hour_offset": "enginehouroffset"}
_ASSET_OPTIONAL = (
    "name", "vin", "exsid", "inservice", "tagid", "mfg", "mileoffset", "engine_hour_offset", "radioaddress", "subtype",
    "status", "homeloi",
)  # fmt: skip

_ASSET_UNIQUE = ("fleet", "vin", "exsid")
_OPERATOR_UNIQUE = ("tag", "empnum", "cdl", "exsid")

# How a list is asked for one of its rows: reqtype -> element.
_ASSET_KEYS = {"dbid": "id", "exsid": "exsid", "vin": "vin", "tag": "tag", "fleet": "fleet"}
_OPERATOR_KEYS = {"cdl": "cdl", "tagid": "tag", "exsid": "exsid", "empnum": "empnum"}
_OPERATOR_EDIT_KEYS = {"tag": "tag", "exsid": "exsid"}
_DRIVER_KEYS = {"dbid": "id", "tag": "tag", "exsid": "exsid"}


class CodedRefusalError(RefusalError):
    """A refusal with a code of Zonar's; they come with HTTP 200."""

    def __init__(self, code: int, message: str) -> None:
        """Keep the code for the answer."""
        super().__init__(200, message)
        self.code = code


class ZonarSimulator(Simulator):
    """Customers with one user each, behind the operations that writes, look-ups and pulls need."""

    name = "zonar"
    secret_fields = frozenset({"password", "pin"})
    collections = ("assets", "operators", "messages")

    def __init__(self, data_dir: Path, accounts: Sequence[Account] | None = None, **options: Any) -> None:
        """Simulate ``accounts`` (two demonstration fleets where none are given) on the data in ``data_dir``; what they
        hold is created at the first start.
        """
        super().__init__(data_dir, **options)
        self._accounts = {account.customer: account for account in accounts or demo_accounts()}

    @property
    def organization_ids(self) -> tuple[str, ...]:
        """All customers, by code."""
        return tuple(self._accounts)

    def prepare(self) -> None:
        """Create the records of customers that are new."""
        for account in self._accounts.values():
            if self.storage.setting(f"{account.customer} is there") is None:
                self.storage.set(f"{account.customer} is there", True)
                for row in account.assets:
                    self._add(account.customer, "assets", row)
                for row in account.operators:
                    self._add(account.customer, "operators", row)

    def _add(self, customer: str, collection: str, row: Record) -> str:
        source_id = str(self.storage.next_number(f"next id of {collection} of {customer}", 1))
        self.storage.put(customer, collection, source_id, {**row, "id": source_id})
        return source_id

    def demo_accounts(self) -> Sequence[DemoAccount]:
        """Return all customers."""
        return [
            DemoAccount(
                fleet_name=account.fleet_name,
                account_id=account.customer,
                credentials={
                    "company_id": account.customer,
                    "username": account.user,
                    "password": account.password,
                },
                settings={"location": account.locations[0]},
            )
            for account in self._accounts.values()
        ]

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the table of operations; each is taken as a GET and as a POST."""
        handlers: dict[str, Callable[[Call], Answer]] = {
            "adminassets add": self._add_asset,
            "adminassets edit": self._edit_asset,
            "adminoperators add": self._add_operator,
            "adminoperators edit": self._edit_operator,
            "adminoperators editstatus": self._edit_operator_status,
            "twentytwenty sendmessage": self._send_message,
            "showopen showassets": self._show_assets,
            "showopen showoperators": self._show_operators,
            "showopen assettype": self._show_asset_types,
        }
        return [
            Endpoint(method, PATH, handler, operation=operation)
            for operation, handler in handlers.items()
            for method in ("GET", "POST")
        ]

    def operation(self, arriving: Arriving) -> str | None:
        """Return action and operation."""
        given = _given(arriving, "action", "operation")
        return f"{given.get('action', '')} {given.get('operation', '')}"

    def authenticate(self, arriving: Arriving) -> Caller:
        """Look the customer up, and check its user and password."""
        if not arriving.headers.get("User-Agent"):
            raise CodedRefusalError(NO_USER_AGENT, "Invalid HTTP User-Agent header.")
        given = _given(arriving, "customer", "username", "password")
        account = self._accounts.get(given.get("customer", ""))
        if account is None or (given.get("username"), given.get("password")) != (account.user, account.password):
            raise CodedRefusalError(AUTHENTICATION_FAILED, "Authentication failed.")
        return Caller(account.customer, f"{account.customer}/{account.user}", frozenset())

    def limits(self, caller: Caller, endpoint: Endpoint | None) -> Sequence[KeyedLimit]:
        """Return the assumed limit, which all users of a customer share."""
        del endpoint
        return [KeyedLimit((caller.organization,), ASSUMED_LIMIT)]

    def render(self, refusal: RefusalError, path: str) -> Answer:
        """Answer with a code and HTTP 200; what has none comes from the servers in front of Zonar."""
        del path
        code = refusal.code if isinstance(refusal, CodedRefusalError) else _CODES.get(refusal.status)
        if code is None:
            page = f"<html><body>{refusal.message}</body></html>".encode()
            return Answer(refusal.status, page, refusal.headers, content_type="text/html")
        return _document("error", {"code": str(code), "message": refusal.message})

    def records(self, organization: str, collection: str) -> list[Record]:
        """Return a collection as it is stored."""
        return list(self.storage.collection(organization, collection).values())

    def _show_asset_types(self, call: Call) -> Answer:
        del call
        root = ET.Element("assettypelist", ver="1")
        for number, label in enumerate(ASSET_TYPES):
            ET.SubElement(root, "type", id=str(number)).text = label
        return _answer(root)

    def _show_assets(self, call: Call) -> Answer:
        """Return the assets of a status; the active ones where none is named."""
        given = _given(call, "status", "target", "reqtype", "type")
        rows = [row for row in self._rows(call, "assets") if row["status"] == given.get("status", "1")]
        rows = _chosen(rows, given, _ASSET_KEYS)
        root = ET.Element("assetlist", ver="4")
        for row in rows:
            element = ET.SubElement(root, "asset", id=row["id"])
            for name, text in {**row, "status": _STATUS_WORDS[row["status"]]}.items():
                if name != "id":
                    ET.SubElement(element, name).text = text
            state = ET.SubElement(element, "yardstat")
            ET.SubElement(state, "yard").text = "unknown"
        return _answer(root)

    def _show_operators(self, call: Call) -> Answer:
        """Return the operators of a status; ids and PINs are in the later versions of the list only."""
        given = _given(call, "status", "target", "reqtype", "logvers")
        version = int(given.get("logvers", "1"))
        wanted = given.get("status", "all")
        rows = [row for row in self._rows(call, "operators") if wanted in {"all", row["status"]}]
        root = ET.Element("oplist", ver=str(version))
        for row in _chosen(rows, given, _OPERATOR_KEYS):
            element = ET.SubElement(root, "operator", {"id": row["id"]} if version >= 4 else {})
            for name, text in row.items():
                if name != "id" and (name != "pin" or version >= 3):
                    ET.SubElement(element, name).text = text
        return _answer(root)

    def _add_asset(self, call: Call) -> Answer:
        _require(call, "fleet", "location", "type")
        row = self._asset(call, _given(call, "type")["type"])
        self._require_free(call, "assets", row, _ASSET_UNIQUE, None)
        return self._added(call, "asset_id", self._add(call.caller.organization, "assets", row))

    def _edit_asset(self, call: Call) -> Answer:
        """Set everything; what is left out becomes empty, an active asset where it is the status."""
        _require(call, "target", "reqtype", "fleet", "newtype", "location")
        held = self._targeted(call, "assets", _ASSET_KEYS)
        row = self._asset(call, _given(call, "newtype")["newtype"])
        self._require_free(call, "assets", row, _ASSET_UNIQUE, held["id"])
        # What was measured is no attribute that an edit could set.
        self.storage.put(
            call.caller.organization, "assets", held["id"], {**row, "mileage": held["mileage"], "id": held["id"]}
        )
        return _success(call)

    def _asset(self, call: Call, asset_type: str) -> Record:
        given = _checked(_given(call, "fleet", "location", *_ASSET_OPTIONAL), _ASSET_LENGTHS)
        self._require_location(call, given)
        if asset_type not in ASSET_TYPES:
            raise CodedRefusalError(BAD_INFORMATION, f"There is no asset type {asset_type}.")
        if given.get("status", "1") not in _STATUS_WORDS:
            raise CodedRefusalError(BAD_INFORMATION, "The status must be 1 or 2.")
        elements = {_ASSET_ELEMENTS.get(name, name): value for name, value in given.items()}
        return asset(asset_type, elements.pop("fleet"), elements.pop("location"), **elements)

    def _add_operator(self, call: Call) -> Answer:
        _require(call, "fname", "lname", "location", "pin")
        row = self._operator(call)
        if not (row["tag"] or row["exsid"]):
            raise CodedRefusalError(MISSING, "Either a tag or an exsid must be supplied.")
        self._require_free(call, "operators", row, _OPERATOR_UNIQUE, None)
        return self._added(call, "operator_id", self._add(call.caller.organization, "operators", row))

    def _edit_operator(self, call: Call) -> Answer:
        """Set everything but the status; what is left out becomes empty."""
        _require(call, "target", "reqtype", "fname", "lname", "location", "pin")
        held = self._targeted(call, "operators", _OPERATOR_EDIT_KEYS)
        row = {**self._operator(call), "status": held["status"], "id": held["id"]}
        self._require_free(call, "operators", row, _OPERATOR_UNIQUE, held["id"])
        self.storage.put(call.caller.organization, "operators", held["id"], row)
        return _success(call)

    def _edit_operator_status(self, call: Call) -> Answer:
        _require(call, "target", "reqtype", "status")
        status = _given(call, "status")["status"]
        if status not in _OPERATOR_STATUS_WORDS:
            raise CodedRefusalError(BAD_INFORMATION, "The status must be 1 or 2.")
        if status == "2":
            _require(call, "comment")
        held = self._targeted(call, "operators", _OPERATOR_EDIT_KEYS)
        row = {**held, "status": _OPERATOR_STATUS_WORDS[status]}
        self.storage.put(call.caller.organization, "operators", held["id"], row)
        return _success(call)

    def _operator(self, call: Call) -> Record:
        names = ("fname", "lname", "location", "pin", "empnum", "cdl", "exsid", "tag")
        given = _checked(_given(call, *names), _OPERATOR_LENGTHS)
        self._require_location(call, given)
        pin = given["pin"]
        if not (len(pin) == 4 and pin.isascii() and pin.isdigit()):
            raise CodedRefusalError(BAD_INFORMATION, "The PIN must have 4 digits.")
        return operator(**given)

    def _send_message(self, call: Call) -> Answer:
        """Keep a message. Two with the same id are two messages."""
        _require(call, "target", "reqtype", "form", "data", "provider", "messageid")
        driver = self._targeted(call, "operators", _DRIVER_KEYS)
        given = _given(call, "form", "data", "provider", "messageid")
        self._add(call.caller.organization, "messages", {**given, "driver": driver["id"]})
        return _success(call)

    def _rows(self, call: Call, collection: str) -> list[Record]:
        return list(self.storage.collection(call.caller.organization, collection).values())

    def _targeted(self, call: Call, collection: str, keys: Mapping[str, str]) -> Record:
        given = _given(call, "target", "reqtype", "type")
        return _chosen(self._rows(call, collection), given, keys)[0]

    def _added(self, call: Call, element: str, source_id: str) -> Answer:
        return _success(call, **({element: source_id} if _given(call, "logvers") == {"logvers": "2"} else {}))

    def _require_location(self, call: Call, given: Mapping[str, str]) -> None:
        if given["location"] not in self._accounts[call.caller.organization].locations:
            raise CodedRefusalError(BAD_INFORMATION, f"There is no location {given['location']}.")

    def _require_free(self, call: Call, collection: str, row: Record, names: Iterable[str], owner: str | None) -> None:
        for other in self._rows(call, collection):
            for name in names:
                if row[name] and row[name] == other[name] and other["id"] != owner:
                    raise CodedRefusalError(NOT_UNIQUE, f"The {name} {row[name]} is being used.")


def _given(call: Arriving | Call, *names: str) -> dict[str, str]:
    """Return those of the parameters that say something, from the address or a form; unknown ones are passed over."""
    form = call.form()
    return {name: value for name in names if (value := call.query.get(name) or form.get(name))}


def _require(call: Call, *names: str) -> None:
    for name in names:
        if name not in _given(call, name):
            raise CodedRefusalError(MISSING, f"No {name} supplied.")


def _checked(given: dict[str, str], lengths: Mapping[str, int]) -> dict[str, str]:
    for name, value in given.items():
        if len(value) > lengths.get(name, len(value)):
            raise CodedRefusalError(BAD_INFORMATION, f"{name} may have {lengths[name]} characters.")
    return given


def _chosen(rows: list[Record], given: Mapping[str, str], keys: Mapping[str, str]) -> list[Record]:
    """Return the row that is asked for; all where none is."""
    if "target" not in given:
        return rows
    reqtype = given.get("reqtype", "")
    if reqtype not in keys:
        raise CodedRefusalError(BAD_INFORMATION, f"There is no reqtype {reqtype}.")
    if reqtype == "fleet" and "type" not in given:
        raise CodedRefusalError(MISSING, "No type supplied.")
    found = [
        row
        for row in rows
        if row[keys[reqtype]] == given["target"] and (reqtype != "fleet" or row["type"] == given["type"])
    ]
    if not found:
        raise CodedRefusalError(NOT_FOUND, "Object not found.")
    return found


def _success(call: Call, **elements: str) -> Answer:
    return _document("success", {"action": _given(call, "action")["action"], **elements})


def _document(root_name: str, elements: Mapping[str, str]) -> Answer:
    root = ET.Element(root_name, ver="2")
    for name, text in elements.items():
        ET.SubElement(root, name).text = text
    return _answer(root)


def _answer(root: ET.Element) -> Answer:
    return Answer(200, ET.tostring(root, encoding="utf-8", xml_declaration=True), content_type="text/xml")
