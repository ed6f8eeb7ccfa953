"""Accounts of the simulated provider: who they are, how they log in, what they start with."""

from typing import Any

import msgspec


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A GPS Insight account with one user, and what it holds at its first start.

    Attributes:
        name: the fleet's.
        number: tells its ids from those of others; also its id.
        username, password: its login.
        vehicles: columns that somebody may set.
        drivers: the same; `vehicle` is the position of the vehicle that a driver is assigned to, from 0; without it the
            driver is assigned to none.
    """

    name: str
    number: int
    username: str
    password: str
    vehicles: tuple[dict[str, Any], ...] = ()
    drivers: tuple[dict[str, Any], ...] = ()

    @property
    def key(self) -> str:
        """Its id as a text."""
        return str(self.number)


def vehicle_id(account: Account, position: int) -> str:
    """The id of a vehicle that an account starts with: the device's maker and serial number."""
    return f"CA{account.vehicles[position]['serial_number']}"


def driver_id(account: Account, position: int) -> str:
    """The id of a driver that an account starts with, or of a later one."""
    return str(account.number * 1000 + position)


def demo_accounts() -> tuple[Account, ...]:
    """Return two fleets to play with. Their logins open nothing but this simulator."""
    return (
        _demo("northwind", 4551, "Northwind Haulage", "Ana Ruiz,Ben Carter,Chloe Martin,Dev Patel,Elena Rossi"),
        _demo("bluebird", 4552, "Bluebird Logistics", "Liam Byrne,Mara Silva,Noah Weber,Olga Petrova,Pablo Diaz"),
    )


def _demo(username: str, number: int, name: str, drivers: str) -> Account:
    people = [one.split(" ") for one in drivers.split(",")]
    return Account(
        name=name,
        number=number,
        username=username,
        password=f"gpsinsight_demo_{username}",
        vehicles=tuple(
            {
                "label": f"Truck {position}",
                "vin": f"1FUJGLDR9CSBB{number % 10}{position}",
                "serial_number": f"457225{number % 10}{position}",
                "make": "Freightliner",
                "model": "Cascadia",
                "model_year": "2021",
                "fuel_type": "D",
                "country": "US",
                "license_state": "AZ",
                "license_number": f"NW{number % 10}{position}",
            }
            for position in range(101, 105)
        ),
        drivers=tuple(
            {
                "firstname": first,
                "lastname": last,
                "email": f"{first.lower()}@{username}.example",
                "phone": f"480555{number % 10}{position:03}",
                "timezone": "US/Arizona",
                # The last of them is in no vehicle.
                **({"vehicle": position - 1} if position < len(people) else {}),
            }
            for position, (first, last) in enumerate(people, 1)
        ),
    )
