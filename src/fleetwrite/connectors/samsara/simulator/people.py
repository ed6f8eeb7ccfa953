"""Drivers, office users, their roles, tags, and the organisation itself.

Pages: "Create a driver", "Update a driver", "List all drivers", "Retrieve a driver", "Create a user", "Update
a user", "List all users", "List all user roles", "List all tags", "Get information about your organization"
of the API reference.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL

from fleetwrite.connectors.samsara.simulator import fields as f
from fleetwrite.connectors.samsara.simulator.directory import (
    Directory,
    listing,
    merged,
    new_external_ids,
    page,
    timestamp,
)
from fleetwrite.connectors.sdk.simulator import Answer, Call, Record, RefusalError
from fleetwrite.kit.ids import derive_id

# States, provinces and territories whose abbreviations the provider takes as issuer of a licence.
LICENSE_STATES = (
    *("AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN"),
    *("IA", "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH"),
    *("NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT"),
    *("VT", "VA", "WA", "WV", "WI", "WY", "AS", "GU", "MP", "PR", "VI", "AB", "BC", "MB", "NB"),
    *("NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT"),
)
LOCALES = ("us", "at", "be", "ca", "gb", "fr", "de", "ie", "it", "lu", "mx", "nl", "es", "ch", "pr")
OVERRIDE_STATES = ("", "AK", "CA", "FL", "NE", "NC", "OK", "OR", "SC", "TX", "WI")
RESTARTS = ("34-hour Restart", "24-hour Restart", "36-hour Restart", "72-hour Restart", "None")
REST_BREAKS = ("Property (off-duty/sleeper)", "California Mealbreak (off-duty/sleeper)", "None")

# A driver cannot be deactivated as of a time before that: "more than six months in the past".
DEACTIVATION_REACH = timedelta(days=183)

_FLAGS = (
    *("eldExempt", "eldPcEnabled", "eldYmEnabled", "eldAdverseWeatherExemptionEnabled"),
    *("eldBigDayExemptionEnabled", "waitingTimeDutyStatusEnabled", "hasDrivingFeaturesHidden"),
    "hasVehicleUnpinningEnabled",
)
_GROUP_TAGS = ("vehicleGroupTagId", "trailerGroupTagId", "peerGroupTagId")

DRIVER = f.Fields(
    {
        "name": f.text(1, 255),
        "username": f.text(1, 189, "[^ @]+"),
        "password": f.text(1),
        "externalIds": f.external_ids,
        "tagIds": f.TAG_IDS,
        "attributes": f.ATTRIBUTES,
        "phone": f.text(0, 255),
        "email": f.text(),
        "dateOfBirth": f.date,
        "licenseNumber": f.text(),
        "licenseState": f.choice(*LICENSE_STATES),
        "timezone": f.time_zone,
        "locale": f.choice(*LOCALES),
        "notes": f.text(0, 4096),
        "eldExemptReason": f.text(),
        "eldDayStartHour": f.choice(0, 12),
        "usDriverRulesetOverride": f.shape(
            f.Fields(
                {
                    "cycle": f.text(1),
                    "restart": f.choice(*RESTARTS),
                    "restbreak": f.choice(*REST_BREAKS),
                    "usStateToOverride": f.choice(*OVERRIDE_STATES),
                },
                required=("cycle", "restart", "restbreak", "usStateToOverride"),
            )
        ),
        "carrierSettings": f.shape(
            f.Fields(
                {
                    "carrierName": f.text(),
                    "dotNumber": f.integer(0),
                    "mainOfficeAddress": f.text(),
                    "homeTerminalName": f.text(),
                    "homeTerminalAddress": f.text(),
                }
            )
        ),
        "hosSetting": f.shape(f.Fields({"heavyHaulExemptionToggleEnabled": f.boolean})),
        "staticAssignedVehicleId": f.text(1),
        "currentIdCardCode": f.text(),
        "tachographCardNumber": f.text(),
        "profileImageUrl": f.text(0, 1024),
        "profileImageBase64": f.text(),
        **dict.fromkeys(_FLAGS, f.boolean),
        **dict.fromkeys(_GROUP_TAGS, f.text(1)),
    },
    required=("name", "username", "password"),
)

DRIVER_UPDATE = DRIVER.for_update(driverActivationStatus=f.choice("active", "deactivated"), deactivatedAtTime=f.instant)

USER = f.Fields(
    {
        "name": f.text(1),
        "email": f.text(3, None, r"[^@\s]+@[^@\s]+"),
        "authType": f.choice("default", "saml"),
        "roles": f.list_of(
            f.shape(f.Fields({"roleId": f.text(1), "tagId": f.text(1)}, required=("roleId",))), minimum=1
        ),
        "expireAt": f.instant,
    },
    required=("name", "email", "authType", "roles"),
)

# The email is not among the fields of the update call.
USER_UPDATE = USER.for_update("email")

# Stored, but not part of a driver's JSON, where objects stand in place of the ids.
_DRIVER_HIDDEN = {"tagIds", "staticAssignedVehicleId", "deactivatedAtTime", "profileImageBase64", *_GROUP_TAGS}


class PeopleEndpoints:
    """The handlers of drivers, users, roles, tags and the organisation."""

    def __init__(self, directory: Directory) -> None:
        """Work on ``directory``."""
        self._directory = directory

    def create(self, organization: str, body: Mapping[str, Any], at: float) -> Record:
        """Store a new driver from a checked body. The password is forgotten: nothing here could use it."""
        body = {name: value for name, value in body.items() if name != "password"}
        self._check_driver(organization, {}, body)
        created = {
            "id": self._directory.new_id("drivers"),
            "driverActivationStatus": "active",
            "createdAtTime": timestamp(at),
        }
        return self._store_driver(organization, {}, merged(created, body, at))

    def create_driver(self, call: Call) -> Answer:
        """``POST /fleet/drivers``."""
        driver = self.create(call.caller.organization, DRIVER.read(call), call.at)
        return Answer(200, {"data": self.driver(driver, call.caller.organization)})

    def get_driver(self, call: Call) -> Answer:
        """``GET /fleet/drivers/{id}``."""
        driver = self._directory.find(call.caller.organization, "drivers", call.path_ids["id"])
        return Answer(200, {"data": self.driver(driver, call.caller.organization)})

    def list_drivers(self, call: Call) -> Answer:
        """``GET /fleet/drivers``: the active ones, unless the deactivated are asked for."""
        status = call.query.get("driverActivationStatus") or "active"
        if status not in ("active", "deactivated"):
            raise RefusalError(
                400, "Invalid value for parameter 'driverActivationStatus': must be active or deactivated."
            )
        organization = call.caller.organization
        return Answer(
            200,
            page(
                call,
                self._directory.storage.collection(organization, "drivers"),
                lambda records: (
                    record
                    for record in listing(self._directory, call, records)
                    if record["driverActivationStatus"] == status
                ),
                lambda record: self.driver(record, organization),
            ),
        )

    def update_driver(self, call: Call) -> Answer:
        """``PATCH /fleet/drivers/{id}``."""
        organization = call.caller.organization
        old = self._directory.find(organization, "drivers", call.path_ids["id"])
        body = DRIVER_UPDATE.read(call)
        body.pop("password", None)
        self._check_driver(organization, old, body)
        self._check_deactivation(body, call.at)
        if body.get("driverActivationStatus") == "active":
            body["deactivatedAtTime"] = None
        driver = self._store_driver(organization, old, merged(old, body, call.at))
        return Answer(200, {"data": self.driver(driver, organization)})

    def driver(self, record: Record, organization: str) -> Record:
        """Return a driver as the API shows one."""
        shown = {name: value for name, value in record.items() if name not in _DRIVER_HIDDEN}
        shown["isDeactivated"] = record["driverActivationStatus"] == "deactivated"
        shown["tags"] = self._directory.tags(organization, record.get("tagIds", ()))
        if "staticAssignedVehicleId" in record:
            vehicle = self._directory.find(organization, "assets", record["staticAssignedVehicleId"])
            shown["staticAssignedVehicle"] = {"id": vehicle["id"], "name": vehicle.get("name", "")}
        for name in _GROUP_TAGS:
            if name in record:
                shown[name.removesuffix("Id")] = self._directory.tags(organization, (record[name],))[0]
        return shown

    def create_role(self, organization: str, name: str) -> None:
        """Store a role that users can have."""
        key = str(derive_id(NAMESPACE_URL, "user role", organization, name))
        self._directory.storage.put(organization, "user-roles", key, {"id": key, "name": name})

    def create_tag(self, organization: str, name: str) -> None:
        """Store a tag."""
        key = self._directory.new_id("tags")
        self._directory.storage.put(organization, "tags", key, {"id": key, "name": name})

    def create_user_record(self, organization: str, body: Mapping[str, Any]) -> Record:
        """Store a new user from a checked body."""
        self._check_roles(organization, body)
        email = body["email"].lower()
        self._directory.check_unique(organization, "email", email, None)
        user = {"id": self._directory.new_id("users"), **_without_nulls(body)}
        self._directory.hold(organization, "email", None, email, ("users", user["id"]))
        self._directory.storage.put(organization, "users", user["id"], user)
        return user

    def create_user(self, call: Call) -> Answer:
        """``POST /users``."""
        user = self.create_user_record(call.caller.organization, USER.read(call))
        return Answer(200, {"data": self.user(user, call.caller.organization)})

    def get_user(self, call: Call) -> Answer:
        """``GET /users/{id}``."""
        return Answer(200, {"data": self.user(self._find_user(call), call.caller.organization)})

    def list_users(self, call: Call) -> Answer:
        """``GET /users``, without those whose access has expired."""
        organization = call.caller.organization
        now = datetime.fromtimestamp(call.at, UTC)
        return Answer(
            200,
            page(
                call,
                self._directory.storage.collection(organization, "users"),
                lambda records: (
                    record
                    for record in records
                    if "expireAt" not in record or datetime.fromisoformat(record["expireAt"]) > now
                ),
                lambda record: self.user(record, organization),
            ),
        )

    def update_user(self, call: Call) -> Answer:
        """``PATCH /users/{id}``."""
        old = self._find_user(call)
        body = USER_UPDATE.read(call)
        self._check_roles(call.caller.organization, body)
        user = _without_nulls({**old, **body})
        self._directory.storage.put(call.caller.organization, "users", user["id"], user)
        return Answer(200, {"data": self.user(user, call.caller.organization)})

    def delete_user(self, call: Call) -> Answer:
        """``DELETE /users/{id}``."""
        user = self._find_user(call)
        owner = ("users", user["id"])
        self._directory.hold(call.caller.organization, "email", user["email"].lower(), None, owner)
        self._directory.storage.delete(call.caller.organization, *owner)
        return Answer(204)

    def user(self, record: Record, organization: str) -> Record:
        """Return a user as the API shows one: with the roles' names."""
        roles = self._directory.storage.collection(organization, "user-roles")
        expiry = {"expireAt": record["expireAt"]} if "expireAt" in record else {}
        return {
            **{name: record[name] for name in ("id", "name", "email", "authType")},
            "roles": [
                {
                    "role": roles[item["roleId"]],
                    **expiry,
                    **({"tag": self._directory.tags(organization, (item["tagId"],))[0]} if item.get("tagId") else {}),
                }
                for item in record["roles"]
            ],
        }

    def list_roles(self, call: Call) -> Answer:
        """``GET /user-roles``: all on one page, as an organisation has few."""
        roles = self._directory.storage.collection(call.caller.organization, "user-roles")
        return Answer(200, {"data": list(roles.values()), "pagination": {"endCursor": "", "hasNextPage": False}})

    def list_tags(self, call: Call) -> Answer:
        """``GET /tags``."""
        tags = self._directory.storage.collection(call.caller.organization, "tags")
        return Answer(200, page(call, tags, iter, lambda tag: tag))

    def me(self, call: Call) -> Answer:
        """``GET /me``."""
        organization = call.caller.organization
        name = self._directory.storage.setting("organizations")[organization]["name"]
        return Answer(200, {"data": {"id": organization, "name": name, "carrierSettings": {"carrierName": name}}})

    def records(self, organization: str, collection: str) -> list[Record]:
        """Return drivers, users, user roles or tags with everything that is stored of them."""
        shows = {"drivers": self.driver, "users": self.user}
        show = shows.get(collection, lambda record, _organization: record)
        return [
            {**record, **show(record, organization)}
            for record in self._directory.storage.collection(organization, collection).values()
        ]

    def _find_user(self, call: Call) -> Record:
        users = self._directory.storage.collection(call.caller.organization, "users")
        user = users.get(call.path_ids["id"])
        if user is None:
            raise RefusalError(404, f"No user with id {call.path_ids['id']}.")
        return user

    def _check_roles(self, organization: str, body: Mapping[str, Any]) -> None:
        roles = body.get("roles", ())
        for item in roles:
            self._directory.require(organization, "user-roles", "roles.roleId", item["roleId"])
            self._directory.require(organization, "tags", "roles.tagId", item.get("tagId"))
        if sum(item.get("tagId") is None for item in roles) > 1:
            raise RefusalError(400, "A user can have only one role for the whole organization.")

    def _check_driver(self, organization: str, old: Record, body: Mapping[str, Any]) -> None:
        owner = old.get("id")
        self._directory.require_tags(organization, body)
        for name in _GROUP_TAGS:
            self._directory.require(organization, "tags", name, body.get(name))
        vehicle = body.get("staticAssignedVehicleId")
        self._directory.require(organization, "assets", "staticAssignedVehicleId", vehicle)
        self._directory.check_external_ids(organization, new_external_ids(body), owner)
        self._directory.check_unique(organization, "username", body.get("username"), owner)
        self._directory.check_unique(organization, "license", _license({**old, **body}), owner)

    @staticmethod
    def _check_deactivation(body: Mapping[str, Any], at: float) -> None:
        text = body.get("deactivatedAtTime")
        if text is None:
            return
        if body.get("driverActivationStatus") != "deactivated":
            raise RefusalError(400, "deactivatedAtTime can only be given with driverActivationStatus deactivated.")
        if datetime.fromisoformat(text) < datetime.fromtimestamp(at, UTC) - DEACTIVATION_REACH:
            raise RefusalError(400, "deactivatedAtTime cannot be more than 6 months in the past.")

    def _store_driver(self, organization: str, old: Record, new: Record) -> Record:
        owner = ("drivers", new["id"])
        external = old.get("externalIds", {}), new.get("externalIds", {})
        self._directory.hold_external_ids(organization, *external, owner=owner)
        self._directory.hold(organization, "username", old.get("username"), new["username"], owner)
        self._directory.hold(organization, "license", _license(old), _license(new), owner)
        self._directory.storage.put(organization, "drivers", new["id"], new)
        return new


def _license(driver: Mapping[str, Any]) -> str | None:
    number, state = driver.get("licenseNumber"), driver.get("licenseState")
    return f"{number} {state}" if number and state else None


def _without_nulls(body: Mapping[str, Any]) -> Record:
    return {name: value for name, value in body.items() if value is not None}
