"""Accounts of the simulated provider: who they are, how they log in, what they start with."""

from typing import Any

import msgspec


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A Webfleet account with one user, and what it holds at its first start.

    Attributes:
        name: the account's, as it goes with every call.
        number: tells its ids from those of others.
        fleet_name: what people call the fleet.
        user, password, api_key: its login.
        vehicles: rows as the report of vehicles shows them, without `objectuid`.
        drivers: rows as the report of drivers shows them, without `driveruid`. `vehicle` is the position of the
            vehicle that a driver is in, from 0; without it the driver is in none.
    """

    name: str
    number: int
    fleet_name: str
    user: str
    password: str
    api_key: str
    vehicles: tuple[dict[str, Any], ...] = ()
    drivers: tuple[dict[str, Any], ...] = ()


def vehicle_uid(account: Account, position: int) -> str:
    """The id of a vehicle that an account starts with."""
    return f"1-{account.number}-{0x560600000 + position:09X}"


def driver_uid(account: Account, position: int) -> str:
    """The id of a driver that an account starts with, or of a later one."""
    return f"1-{account.number}-{0x220D00000 + position:09X}"


def demo_accounts() -> tuple[Account, ...]:
    """Return two fleets to play with. Their logins open nothing but this simulator."""
    return (
        _demo("northwind", 50203, "Northwind Haulage", "Ana Ruiz,Ben Carter,Chloe Martin,Dev Patel,Elena Rossi"),
        _demo("bluebird", 50204, "Bluebird Logistics", "Liam Byrne,Mara Silva,Noah Weber,Olga Petrova,Pablo Diaz"),
    )


def _demo(name: str, number: int, fleet_name: str, drivers: str) -> Account:
    people = [one.split(" ") for one in drivers.split(",")]
    return Account(
        name=name,
        number=number,
        fleet_name=fleet_name,
        user="connect",
        password=f"webfleet_demo_{name}",
        api_key=f"5eb1f1e7-0000-4000-8000-0000000{number}",
        vehicles=tuple(
            {
                "objectno": f"{number % 10}{position:02}",
                "objectname": f"Truck {number % 10}{position:02}",
                "licenseplatenumber": f"L-NW {number % 10}{position:03}",
                "identnumber": f"WDB963403{number % 10}L{position:06}",
                "vehicletype": "truck",
                "numaxes": "2",
                "vh_fueltype": 1,
                "fl_fueltype": 1,
                "manufacturedyear": 2021,
                "fueltanksize": 600,
            }
            for position in range(1, 5)
        ),
        drivers=tuple(
            {
                "driverno": f"D-{number % 10}{position:02}",
                "name1": first,
                "name2": last,
                "telmobile": f"+49 151 555 {number % 10}{position:02}",
                # The last of them is in no vehicle.
                **({"vehicle": position - 1} if position < len(people) else {}),
            }
            for position, (first, last) in enumerate(people, 1)
        ),
    )
