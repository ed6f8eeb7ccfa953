"""The entities of the simulated provider: their fields, lengths and defaults, and how they are searched."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fleetwrite.connectors.sdk.simulator import Record, RefusalError

MAX_DATE = "2050-01-01T00:00:00.000Z"
MIN_DATE = "1986-01-01T00:00:00.000Z"

# Built-in groups and clearances.
SYSTEM_GROUPS = frozenset(
    {
        *("GroupCompanyId", "GroupAssetTypeId", "GroupVehicleId", "GroupTrailerId", "GroupDefectsId"),
        *("GroupEverythingSecurityId", "GroupNothingSecurityId", "GroupSupervisorsId", "GroupDriveUserSecurityId"),
    }
)
ASSET_GROUPS = frozenset({"GroupVehicleId", "GroupTrailerId"})

# What a Get returns at most, without a word about the rest.
MOST_RESULTS = 5000

# The same of a GetFeed.
MOST_FED = 50_000


class GeotabError(RefusalError):
    """A call that fails: status 200, and ``kind``, the class of the error, in the body."""

    def __init__(self, kind: str, message: str, code: int = -32000) -> None:
        """Keep the class and the JSON-RPC code for the answer."""
        super().__init__(200, message)
        self.kind = kind
        self.code = code


@dataclass(frozen=True, slots=True)
class Kind:
    """One entity.

    ``texts`` have a maximum length each (None: none is known); ``references`` name a field of ``{"id"}`` and whose
    id it is; ``group_lists`` are lists of groups; ``others`` are fields of any other form. What is none of these is
    unknown. ``searched`` are the texts that ``Get`` searches, with ``%`` for anything before or behind;
    ``compared`` are fields that it finds by their value.
    """

    name: str
    texts: Mapping[str, int | None]
    others: frozenset[str]
    defaults: Mapping[str, Any]
    required: tuple[str, ...]
    references: Mapping[str, str] = field(default_factory=dict)
    group_lists: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    owned: frozenset[str] = frozenset()
    """Fields that only the provider writes; what is sent of them is taken and ignored."""

    @property
    def known(self) -> frozenset[str]:
        """All fields that may be sent."""
        return frozenset({"id", "version", *self.texts, *self.others, *self.references, *self.group_lists, *self.owned})

    def check(self, entity: Record) -> None:
        """Refuse an entity whose fields are unknown, missing or of the wrong form."""
        for name, value in entity.items():
            if name not in self.known:
                raise GeotabError("MissingMemberException", f"{self.name} has no member '{name}'.")
            if name in self.texts and value is not None:
                length = self.texts[name]
                if not isinstance(value, str):
                    raise GeotabError("InvalidCastException", f"'{name}' must be a string.")
                if length is not None and len(value) > length:
                    raise GeotabError("ArgumentException", f"'{name}' is longer than {length} characters.")
            if name in self.references and value is not None and not isinstance(value, dict):
                raise GeotabError("InvalidCastException", f"'{name}' must be an object.")
        for name in self.required:
            if entity.get(name) in (None, "", []):
                raise GeotabError("ArgumentNullException", f"'{name}' must be given.")


DEVICE = Kind(
    name="Device",
    texts={
        "name": 50,
        "comment": 1024,
        "serialNumber": 12,
        "vehicleIdentificationNumber": 50,
        "licensePlate": 50,
        "licenseState": 50,
        "timeZoneId": None,
    },
    others=frozenset({"activeFrom", "activeTo", "workTime", "customProperties", "ignoreDownloadsUntil"})
    | {"maxSecondsBetweenLogs", "odometerOffset", "engineHourOffset"},
    defaults={
        "activeTo": MAX_DATE,
        "comment": "",
        "serialNumber": "",
        "vehicleIdentificationNumber": "",
        "licensePlate": "",
        "licenseState": "",
        "timeZoneId": "America/New_York",
        "workTime": "WorkTimeStandardHoursId",
        "customProperties": [],
        "ignoreDownloadsUntil": MIN_DATE,
        "maxSecondsBetweenLogs": 200,
        "odometerOffset": 0.0,
        "engineHourOffset": 0.0,
    },
    required=("name", "groups"),
    group_lists=("groups",),
    searched=("name", "comment", "serialNumber", "vehicleIdentificationNumber", "licensePlate"),
    owned=frozenset({"deviceType", "productId", "engineVehicleIdentificationNumber", "tmpTrailerId"}),
)

USER = Kind(
    name="User",
    texts={
        "name": 255,
        "firstName": 255,
        "lastName": 255,
        "password": None,
        "userAuthenticationType": None,
        "comment": 1024,
        "designation": 50,
        "employeeNo": 50,
        "phoneNumber": 20,
        "countryCode": 2,
        "licenseNumber": None,
        "licenseProvince": None,
        "carrierNumber": None,
        "authorityName": 255,
        "authorityAddress": 255,
        "timeZoneId": None,
    },
    others=frozenset({"activeFrom", "activeTo", "isDriver", "isYardMoveEnabled", "isPersonalConveyanceEnabled"})
    | {"isAdverseDrivingEnabled", "isMetric", "keys", "changePassword"},
    defaults={
        "activeTo": MAX_DATE,
        "comment": "",
        "designation": "",
        "employeeNo": "",
        "phoneNumber": "",
        "countryCode": "",
        "carrierNumber": "",
        "authorityName": "",
        "authorityAddress": "",
        "timeZoneId": "America/New_York",
        "userAuthenticationType": "BasicAuthentication",
        "isDriver": False,
        "isYardMoveEnabled": False,
        "isPersonalConveyanceEnabled": False,
        "isAdverseDrivingEnabled": False,
        "isMetric": True,
        "changePassword": False,
        "driverGroups": [],
    },
    required=("name", "firstName", "lastName", "companyGroups", "securityGroups"),
    group_lists=("companyGroups", "securityGroups", "driverGroups"),
    searched=("name", "firstName", "lastName", "licenseNumber"),
    compared=("isDriver",),
)

TEXT_MESSAGE = Kind(
    name="TextMessage",
    texts={},
    others=frozenset({"messageContent", "isDirectionToVehicle", "activeFrom", "activeTo"}),
    defaults={"isDirectionToVehicle": False, "recipient": None, "parentMessage": None},
    required=("device", "messageContent"),
    compared=("isDirectionToVehicle",),
    references={"device": "Device", "recipient": "User", "user": "User", "parentMessage": "TextMessage"},
    owned=frozenset({"sent", "delivered", "read", "markedReadBy", "replyMessage"}),
)

DVIR_LOG = Kind(
    name="DVIRLog",
    texts={"driverRemark": None, "certifyRemark": None, "authorityName": 255, "authorityAddress": 255},
    others=frozenset({"dateTime", "logType", "isSafeToOperate", "isInspectedByDriver", "isRejected", "odometer"})
    | {"dvirDefects", "loadHeight", "loadWidth", "location", "duration", "defectList", "trailer"},
    defaults={"logType": "Unknown", "isInspectedByDriver": True, "isRejected": False, "dvirDefects": []},
    required=("dateTime", "device", "defectList"),
    references={"device": "Device", "driver": "User", "certifiedBy": "User"},
)

FUEL_TRANSACTION = Kind(
    name="FuelTransaction",
    texts={
        "externalReference": 255,
        "comments": 1024,
        "description": 255,
        "driverName": 255,
        "licencePlate": 255,
        "serialNumber": 255,
        "vehicleIdentificationNumber": 255,
        "siteName": None,
        "cardNumber": None,
        "providerProductDescription": None,
        "sourceData": None,
        "currencyCode": 3,
    },
    others=frozenset({"dateTime", "volume", "cost", "odometer", "location", "productType", "provider"}),
    defaults={
        "comments": "",
        "cost": 0,
        "currencyCode": "USD",
        "externalReference": "",
        "location": {"x": 0, "y": 0},
        "odometer": 0,
        "productType": "Unknown",
        "provider": "Unknown",
        "volume": 0,
    },
    required=("dateTime",),
    references={"device": "Device", "driver": "User"},
    searched=("externalReference", "driverName", "vehicleIdentificationNumber"),
)

DEVICE_STATUS_INFO = Kind(
    name="DeviceStatusInfo", texts={}, others=frozenset(), defaults={}, required=(), references={"device": "Device"}
)

KINDS = (DEVICE, USER, TEXT_MESSAGE, DVIR_LOG, FUEL_TRANSACTION, DEVICE_STATUS_INFO)

# Which field of an entity a range of dates is about: from when it is in use until, or when it was.
_DATED = {
    "TextMessage": "sent",
    **dict.fromkeys(("DVIRLog", "FuelTransaction", "DeviceStatusInfo"), "dateTime"),
}

# Searches that find more fields or more records; here all are found without.
_FLAGS = frozenset({"includeSourceData", "includeRejected"})


def found(kind: Kind, search: Mapping[str, Any], records: Mapping[str, Record]) -> list[Record]:
    """Return the records that a search means.

    Raises:
        GeotabError: there is no such search.
    """
    tests = [_test(kind, name, wanted) for name, wanted in search.items() if name not in _FLAGS]
    return [record for record in records.values() if all(test(record) for test in tests)]


def _test(kind: Kind, name: str, wanted: Any) -> Callable[[Record], bool]:
    if name in kind.searched:
        return lambda record: _is_like(str(record.get(name) or ""), str(wanted))
    if name in {"id", *kind.compared}:
        return lambda record: bool(record[name] == wanted)
    match name:
        case "groups" if kind is DEVICE:
            ids = {group["id"] for group in wanted}
            return lambda record: any(group["id"] in ids for group in record["groups"])
        case "fromDate":
            ends = _DATED.get(kind.name, "activeTo")
            return lambda record: instant(record[ends]) >= instant(wanted)
        case "toDate":
            begins = _DATED.get(kind.name, "activeFrom")
            return lambda record: instant(record[begins]) <= instant(wanted)
        case "deviceSearch" | "userSearch" if kind.references:
            field_name = "device" if name == "deviceSearch" else "driver"
            return lambda record: (record.get(field_name) or {}).get("id") == wanted["id"]
    raise GeotabError("MissingMemberException", f"{kind.name}Search has no member '{name}'.")


def instant(text: Any) -> datetime:
    """Read a date.

    Raises:
        GeotabError: it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise GeotabError("InvalidCastException", "A date must be given as yyyy-MM-ddTHH:mm:ss.fffZ.") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def written(at: float) -> str:
    """Write a time as the provider does: UTC, milliseconds, Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _is_like(text: str, pattern: str) -> bool:
    """Compare as the provider searches: without regard to case, ``%`` before or behind for anything."""
    text, wanted = text.casefold(), pattern.strip("%").casefold()
    match pattern.startswith("%"), pattern.endswith("%"):
        case True, True:
            return wanted in text
        case True, False:
            return text.endswith(wanted)
        case False, True:
            return text.startswith(wanted)
        case _:
            return text == wanted
