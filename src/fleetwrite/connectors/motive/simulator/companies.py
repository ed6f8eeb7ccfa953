"""Companies of the simulated provider, and the app to which they consented."""

import secrets
from typing import Any, Final

import msgspec

CLIENT_ID: Final = "motive_demo_app"
CLIENT_SECRET: Final = "motive_demo_app_secret"  # noqa: S105 - opens nothing but this simulator
REDIRECT_URI: Final = "https://gateway.example/oauth/motive"
"""The one app that exists."""

ALL_SCOPES: Final = frozenset(
    {
        "companies.read",
        *(
            f"{resource}.{right}"
            for resource in ("users", "vehicles", "assets", "messages", "fuel_purchases")
            for right in ("read", "manage")
        ),
    }
)


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """A company and, for its first start, what it holds: bodies as the create calls take them.

    Attributes:
        id: Motive's number of it.
        name: what it is called.
        auth_code: what it gets when it consents; see `simulator.oauth`.
        scopes: what it consents to by that.
        admin: the e-mail address by which somebody of it signs in to consent; None: nobody does.
        users, vehicles, assets: see there.
    """

    id: int
    name: str
    auth_code: str
    scopes: frozenset[str] = ALL_SCOPES
    admin: str | None = None
    users: tuple[dict[str, Any], ...] = ()
    vehicles: tuple[dict[str, Any], ...] = ()
    assets: tuple[dict[str, Any], ...] = ()

    @property
    def key(self) -> str:
        """Its id, as the storage and the control API have it."""
        return str(self.id)


def demo_companies() -> tuple[Company, ...]:
    """Return two fleets to play with. What logs in to them opens nothing but this simulator."""
    return (
        _demo(
            Company(id=48101, name="Northwind Haulage", auth_code="motive_demo_code_northwind"),
            number=1,
            drivers="Ana Ruiz,Ben Carter,Chloe Martin,Dev Patel,Elena Rossi,Frank Olsen,Grace Kim,Hugo Lima",
            office="Ines Vogel,Jack Turner,Kira Novak",
            state="TX",
        ),
        _demo(
            Company(id=48102, name="Bluebird Logistics", auth_code="motive_demo_code_bluebird"),
            number=2,
            drivers="Liam Byrne,Mara Silva,Noah Weber,Olga Petrova,Pablo Diaz,Quinn Ross,Rosa Conti,Sam Lee",
            office="Tara Singh,Uwe Krause,Vera Blanc",
            state="CA",
        ),
    )


def _demo(company: Company, *, number: int, drivers: str, office: str, state: str) -> Company:
    domain = company.name.lower().replace(" ", "-") + ".example"
    admin, *_ = office.split(",")
    return msgspec.structs.replace(
        company,
        admin=_email(admin, domain),
        users=(
            *(
                {
                    **_person(name),
                    "role": "driver",
                    "username": f"{name.lower().replace(' ', '.')}.{number}{position:02}",
                    "driver_company_id": f"{number}0{position:02}",
                    "drivers_license_number": f"D44{number}0{position:03}",
                    "drivers_license_state": state,
                    "time_zone": "Central Time (US & Canada)",
                }
                for position, name in enumerate(drivers.split(","), 1)
            ),
            *(
                {
                    **_person(name),
                    "role": "fleet_user" if position else "admin",
                    "email": _email(name, domain),
                }
                for position, name in enumerate(office.split(","))
            ),
        ),
        vehicles=tuple(
            {
                "number": f"Unit {number}{position:02}",
                "vin": f"1XKYDP9X{position}MJ43{number}{position:03}",
                "make": "Kenworth",
                "model": "T680",
                "year": "2021",
                "license_plate_state": state,
                "license_plate_number": f"7TR{number}{position:03}",
                "fuel_type": "diesel",
            }
            for position in range(1, 7)
        ),
        assets=tuple(
            {
                "name": f"TR-{number}{position:02}",
                "type": "reefer",
                "make": "Utility",
                "model": "3000R",
                "year": "2019",
                "license_plate_state": state,
                "license_plate_number": f"4GZ{number}{position:02}",
            }
            for position in range(1, 5)
        ),
    )


def _email(name: str, domain: str) -> str:
    return f"{name.lower().replace(' ', '.')}@{domain}"


def _person(name: str) -> dict[str, Any]:
    first, _, last = name.partition(" ")
    return {"first_name": first, "last_name": last, "password": secrets.token_urlsafe(12)}
