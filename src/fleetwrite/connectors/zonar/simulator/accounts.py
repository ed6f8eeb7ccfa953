"""Accounts of the simulated provider: who they are, how they log in, what they start with."""

import msgspec


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A Zonar customer with one user, and what it holds at its first start.

    Attributes:
        customer: Zonar's code of it.
        fleet_name: what people call the fleet.
        user, password: its login.
        locations: where things may be; the first is the one that a demonstration uses.
        assets: rows as the list of assets shows them, without `id`.
        operators: rows as the list of operators shows them, without `id`.
    """

    customer: str
    fleet_name: str
    user: str
    password: str
    locations: tuple[str, ...]
    assets: tuple[dict[str, str], ...] = ()
    operators: tuple[dict[str, str], ...] = ()


def demo_accounts() -> tuple[Account, ...]:
    """Return two fleets to play with. Their logins open nothing but this simulator."""
    return (
        _demo("nwh1001", "Northwind Haulage", 1, "Ana Ruiz,Ben Carter,Chloe Martin,Dev Patel,Elena Rossi"),
        _demo("blu2002", "Bluebird Logistics", 2, "Liam Byrne,Mara Silva,Noah Weber,Olga Petrova,Pablo Diaz"),
    )


def asset(asset_type: str, fleet: str, location: str, **elements: str) -> dict[str, str]:
    """An asset that is active; elements that are not given are empty."""
    empty = dict.fromkeys(
        ("name", "tag", "vin", "exsid", "subtype", "mileage", "mileoffset", "enginehouroffset", "radioaddress"), ""
    )
    rest = {"mfg": "", "inservice": "", "homeloi": "", "status": "1"}
    return {**empty, "fleet": fleet, "type": asset_type, "location": location, **rest, **elements}


def operator(fname: str, lname: str, location: str, pin: str, **elements: str) -> dict[str, str]:
    """An operator who is active; elements that are not given are empty."""
    empty = dict.fromkeys(("cdl", "tag", "empnum", "exsid"), "")
    return {"fname": fname, "lname": lname, "location": location, "pin": pin, "status": "active", **empty, **elements}


def _demo(customer: str, fleet_name: str, number: int, drivers: str) -> Account:
    trucks = tuple(
        asset(
            "Standard",
            f"{number}0{position}",
            "Seattle",
            name=f"7XYZ{number}0{position}",
            tag=f"{number}77000{position}",
            vin=f"1XKYDP9X1MJ43{number}00{position}",
            mfg="Kenworth",
            mileage="184233",
            mileoffset="120",
            enginehouroffset="35",
            inservice="1614556800",
            subtype="Tractor",
            homeloi="Yard",
            # The last of them is out of use.
            status="1" if position < 4 else "2",
        )
        for position in range(1, 5)
    )
    trailers = tuple(
        asset("Trailer", f"TR-{number}0{position}", "Tacoma", name=f"4GZ{number}0{position}", mfg="Wabash")
        for position in range(1, 4)
    )
    people = tuple(
        operator(first, last, "Seattle", f"{number}00{position}", **_badge(number, position))
        for position, (first, last) in enumerate((name.split(" ") for name in drivers.split(",")), 1)
    )
    return Account(
        customer=customer,
        fleet_name=fleet_name,
        user="zonar",
        password=f"zonar_demo_{customer}",
        locations=("Seattle", "Tacoma"),
        assets=trucks + trailers,
        operators=people,
    )


def _badge(number: int, position: int) -> dict[str, str]:
    """What an operator is known by: most have a tag, the last an external id."""
    known = {"exsid": f"hr-{number}0{position}"} if position == 5 else {"tag": f"{number}88000{position}"}
    return {"empnum": f"E-{number}0{position}", **known}
