"""Databases of the simulated provider: who signs in to them, and what they start with."""

from typing import Any

import msgspec

# All that is simulated and somebody may lack the right to: operations by their names, and to send as another user.
IMPERSONATE = "ImpersonateGpsTextMessage"


class Login(msgspec.Struct, frozen=True):
    """A user who signs in: the login name of an office user of the database, the password, and what it may not do."""

    username: str
    password: str
    forbidden: frozenset[str] = frozenset()


class Database(msgspec.Struct, frozen=True, kw_only=True):
    """A fleet's database and, for its first start, what it holds: entities as ``Add`` takes them.

    The first so many ``drivers`` sit in the first so many ``vehicles``, as ``driving`` says; the others in none.
    """

    name: str
    fleet_name: str
    logins: tuple[Login, ...]
    groups: tuple[str, ...] = ()
    users: tuple[dict[str, Any], ...] = ()
    drivers: tuple[dict[str, Any], ...] = ()
    vehicles: tuple[dict[str, Any], ...] = ()
    trailers: tuple[dict[str, Any], ...] = ()
    driving: int = 0


def office_user(name: str, email: str) -> dict[str, Any]:
    """An office user, as ``Add`` takes one."""
    return _user(name, email, "GroupEverythingSecurityId")


def driver(name: str, email: str, **fields: Any) -> dict[str, Any]:
    """A driver, as ``Add`` takes one."""
    groups = {"isDriver": True, "driverGroups": [{"id": "GroupCompanyId"}]}
    return {**_user(name, email, "GroupDriveUserSecurityId"), **groups, **fields}


def asset(name: str, group: str, **fields: Any) -> dict[str, Any]:
    """A vehicle or a trailer, as ``Add`` takes one."""
    return {"name": name, "groups": [{"id": "GroupCompanyId"}, {"id": group}], **fields}


def demo_databases() -> tuple[Database, ...]:
    """Return two fleets to play with. Their logins open nothing but this simulator."""
    return (
        _demo(
            "northwind_haulage",
            "Northwind Haulage",
            number=1,
            drivers="Ana Ruiz,Ben Carter,Chloe Martin,Dev Patel,Elena Rossi,Frank Olsen",
            users="Ines Vogel,Jack Turner",
        ),
        _demo(
            "bluebird_logistics",
            "Bluebird Logistics",
            number=2,
            drivers="Liam Byrne,Mara Silva,Noah Weber,Olga Petrova,Pablo Diaz,Quinn Ross",
            users="Tara Singh,Uwe Krause",
        ),
    )


def _demo(name: str, fleet_name: str, *, number: int, drivers: str, users: str) -> Database:
    domain = fleet_name.lower().replace(" ", "-") + ".example"

    def email(person: str) -> str:
        return f"{person.lower().replace(' ', '.')}@{domain}"

    return Database(
        name=name,
        fleet_name=fleet_name,
        logins=(Login(f"fleetwrite@{domain}", f"Demo-{name}-2026"),),
        groups=(f"b27{number}1", f"b27{number}2"),
        users=(
            office_user("Fleetwrite Gateway", f"fleetwrite@{domain}"),
            *(office_user(person, email(person)) for person in users.split(",")),
        ),
        drivers=tuple(
            driver(person, email(person), licenseNumber=f"D44{number}0{position:03}", licenseProvince="TX")
            for position, person in enumerate(drivers.split(","), 1)
        ),
        vehicles=tuple(
            asset(
                f"Unit {number}{position:02}",
                "GroupVehicleId",
                serialNumber=f"G9{number}000000{position:03}",
                vehicleIdentificationNumber=f"1XKYDP9X{position}MJ43{number}{position:03}",
                licensePlate=f"NW{number}{position:03}",
                licenseState="TX",
            )
            for position in range(1, 7)
        ),
        trailers=tuple(
            asset(f"Trailer {number}{position:02}", "GroupTrailerId", licensePlate=f"TR{number}{position:03}")
            for position in range(1, 5)
        ),
        # The last driver is on holiday.
        driving=5,
    )


def _user(name: str, email: str, clearance: str) -> dict[str, Any]:
    first, _, last = name.partition(" ")
    return {
        "name": email,
        "firstName": first,
        "lastName": last,
        "userAuthenticationType": "BasicAuthentication",
        "password": "correct horse battery",
        "companyGroups": [{"id": "GroupCompanyId"}],
        "securityGroups": [{"id": clearance}],
    }
