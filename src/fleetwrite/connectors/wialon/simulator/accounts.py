"""Accounts of the simulated provider: who they are, with which token they come, what they start with."""

import hashlib
from typing import Any

import msgspec

DEVICE_TYPES: tuple[dict[str, Any], ...] = ({"id": 9, "name": "Wialon IPS"}, {"id": 14, "name": "Teltonika FMB920"})
"""Device types of the whole service; the first is the one that the accounts' own units have."""

TOKEN_LENGTH = 72


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account and, for its first start, what it holds.

    Its id is that of its resource; a user's is one below it. ``drivers`` are pairs of a name and the number of the unit
    (from 0) that the driver is assigned to, or None; ``resources`` are further ones, each by its number of trailers.
    """

    id: int
    name: str
    token: str
    units: tuple[dict[str, Any], ...] = ()
    drivers: tuple[tuple[str, int | None], ...] = ()
    trailers: tuple[dict[str, Any], ...] = ()
    resources: tuple[int, ...] = ()

    @property
    def user_id(self) -> int:
        """The user whom the token belongs to."""
        return self.id - 1


def make_token(name: str) -> str:
    """Return a token of the right length that opens nothing but this simulator."""
    return (hashlib.sha512(name.encode()).hexdigest())[:TOKEN_LENGTH].upper()


def fingerprint(token: str) -> str:
    """Return the SHA-256 of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def demo_accounts() -> tuple[Account, ...]:
    """Return two fleets to play with.

    In each, the second unit is measured the U.S. way, the third in a way whose gallons nobody knows, the last has no
    command for messages of one's own, and the last driver is assigned to no unit.
    """
    return (
        _demo(25500100, "Northwind Haulage", "Ana Ruiz,Ben Carter,Chloe Martin,Dev Patel,Elena Rossi,Frank Olsen", 1),
        _demo(25500300, "Bluebird Logistics", "Liam Byrne,Mara Silva,Noah Weber,Olga Petrova,Pablo Diaz,Quinn Ross", 2),
    )


def _demo(key: int, name: str, drivers: str, number: int) -> Account:
    names = drivers.split(",")
    return Account(
        id=key,
        name=name,
        token=make_token(name),
        units=tuple(
            {
                "nm": f"Unit {number}{position + 1:02}",
                "mu": (0, 1, 3, 0, 0, 0)[position],
                "uid": f"86{number}0000{position:08}",
                "profile": {
                    "vin": f"1XKYDP9X{position}MJ43{number}{position:03}",
                    "brand": "Kenworth",
                    "model": "T680",
                    "year": "2021",
                    "registration_plate": f"7TR{number}{position:03}",
                },
                "takes_messages": position < 5,
            }
            for position in range(6)
        ),
        drivers=tuple(
            (one, None if position == 5 else (0, 1, 2, 3, 5)[position]) for position, one in enumerate(names)
        ),
        trailers=tuple(
            {"n": f"TR-{number}{position:02}", "jp": {"license_plate_number": f"4GZ{number}{position:02}"}}
            for position in range(1, 5)
        ),
        resources=(1,),
    )
