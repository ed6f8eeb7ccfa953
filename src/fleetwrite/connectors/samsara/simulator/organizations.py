"""Organisations of the simulated provider: who they are, with which tokens they come, what they start with."""

import hashlib
import secrets
from typing import Any

import msgspec

# Categories of a token's scopes as the token page of the dashboard names them; each endpoint says which one
# it needs.
ALL_SCOPES = frozenset(
    {
        "Read Org Information",
        "Read Users",
        "Write Users",
        "Read Tags",
        "Read Vehicles",
        "Write Vehicles",
        "Read Assets",
        "Write Assets",
        "Read Trailers",
        "Write Trailers",
        "Read Drivers",
        "Write Drivers",
        "Read Messages",
        "Write Messages",
        "Read DVIRs",
        "Write DVIRs",
        "Write Fuel Purchase",
    }
)


class Token(msgspec.Struct, frozen=True):
    """An API token: its secret and what it may do."""

    secret: str
    scopes: frozenset[str] = ALL_SCOPES

    @property
    def fingerprint(self) -> str:
        """Name the token without giving it away."""
        return fingerprint(self.secret)


def fingerprint(secret: str) -> str:
    """Return the SHA-256 of a token's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Organization(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation and, for its first start, what it holds: bodies as the create calls take them.

    ``vehicles`` and ``trailers`` are bodies of ``POST /assets`` without their type; ``users`` have ``role``
    (a name out of ``roles``) in place of ``roles``; ``tags`` are names. Who signs in as ``admin`` (an e-mail address)
    may let apps in.
    """

    id: str
    name: str
    tokens: tuple[Token, ...]
    admin: str | None = None
    roles: tuple[str, ...] = ("Full Admin", "Standard Admin", "Read-Only Admin")
    tags: tuple[str, ...] = ()
    drivers: tuple[dict[str, Any], ...] = ()
    users: tuple[dict[str, Any], ...] = ()
    vehicles: tuple[dict[str, Any], ...] = ()
    trailers: tuple[dict[str, Any], ...] = ()


def demo_organizations() -> tuple[Organization, ...]:
    """Return two fleets to play with. Their tokens open nothing but this simulator."""
    return (
        _demo(
            Organization(id="5001", name="Northwind Haulage", tokens=(Token("samsara_api_demo_northwind"),)),
            number=1,
            drivers="Ana Ruiz,Ben Carter,Chloe Martin,Dev Patel,Elena Rossi,Frank Olsen,Grace Kim,Hugo Lima",
            users="Ines Vogel,Jack Turner,Kira Novak",
            state="TX",
        ),
        _demo(
            Organization(id="5002", name="Bluebird Logistics", tokens=(Token("samsara_api_demo_bluebird"),)),
            number=2,
            drivers="Liam Byrne,Mara Silva,Noah Weber,Olga Petrova,Pablo Diaz,Quinn Ross,Rosa Conti,Sam Lee",
            users="Tara Singh,Uwe Krause,Vera Blanc",
            state="CA",
        ),
    )


def _demo(organization: Organization, *, number: int, drivers: str, users: str, state: str) -> Organization:
    domain = organization.name.lower().replace(" ", "-") + ".example"
    people = drivers.split(",")
    office = users.split(",")
    return msgspec.structs.replace(
        organization,
        admin=_email(office[0], domain),
        tags=("East", "West"),
        drivers=tuple(
            {
                "name": name,
                "username": f"{name.lower().replace(' ', '.')}.{number}{position:02}",
                "password": secrets.token_urlsafe(12),
                "licenseNumber": f"D44{number}0{position:03}",
                "licenseState": state,
                "timezone": "America/Chicago",
            }
            for position, name in enumerate(people, 1)
        ),
        users=tuple(
            {
                "name": name,
                "email": _email(name, domain),
                "authType": "default",
                "role": organization.roles[min(position, 2)],
            }
            for position, name in enumerate(office)
        ),
        vehicles=tuple(
            {
                "name": f"Unit {number}{position:02}",
                "vin": f"1XKYDP9X{position}MJ43{number}{position:03}",
                "make": "Kenworth",
                "model": "T680",
                "year": 2021,
                "licensePlate": f"7TR{number}{position:03}",
            }
            for position in range(1, 7)
        ),
        trailers=tuple(
            {
                "name": f"TR-{number}{position:02}",
                "serialNumber": f"1JJV{number}{position:04}",
                "licensePlate": f"4GZ{number}{position:02}",
            }
            for position in range(1, 5)
        ),
    )


def _email(name: str, domain: str) -> str:
    return f"{name.lower().replace(' ', '.')}@{domain}"
