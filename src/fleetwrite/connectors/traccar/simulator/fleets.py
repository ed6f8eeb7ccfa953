"""Fleets on the simulated server: each is one user of it, with a token and what only this user sees."""

import base64
import hashlib
from typing import Any

import msgspec


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """A user of the server and, for its first start, what it holds: bodies as the create calls take them.

    Attributes:
        id: the user's.
        name: the fleet's.
        token: its secret.
        readonly: whether the user may not write.
        drivers: bodies of ``POST /api/drivers``.
        devices: bodies of ``POST /api/devices``. They may have ``protocol`` (the device has reported, by this
            protocol), ``online`` (it is connected now), ``driver`` (the identifier that its last position has) and
            ``linked`` (identifiers of drivers that are linked to it).
    """

    id: str
    name: str
    token: str
    readonly: bool = False
    drivers: tuple[dict[str, Any], ...] = ()
    devices: tuple[dict[str, Any], ...] = ()


def make_token(user_id: str, secret: str) -> str:
    """Return a token of Traccar's form: the length of a signature, a signature, and what it signs."""
    signature = hashlib.sha512(secret.encode()).digest()
    content = msgspec.json.encode({"u": int(user_id), "e": "2036-11-02T08:15:00.000+00:00"})
    return base64.urlsafe_b64encode(bytes([len(signature)]) + signature + content).decode().rstrip("=")


def demo_fleets() -> tuple[Fleet, ...]:
    """Return two fleets to play with. Their tokens open nothing but this simulator."""
    return (
        _demo("1", "Northwind Haulage", "northwind", "Ana Ruiz,Ben Carter,Chloe Martin,Dev Patel"),
        _demo("2", "Bluebird Logistics", "bluebird", "Liam Byrne,Mara Silva,Noah Weber,Olga Petrova"),
    )


def _demo(key: str, name: str, secret: str, drivers: str) -> Fleet:
    """The first driver is reported by a device, the second is linked to one, the third to two, the fourth to none."""
    people = drivers.split(",")
    keys = [f"{key}00{number}AF31C2" for number in range(1, len(people) + 1)]
    vehicles: list[dict[str, Any]] = [
        {"protocol": "huabao", "online": True, "driver": keys[0]},
        {"protocol": "huabao", "linked": [keys[1]]},
        {"protocol": "huabao", "linked": [keys[2]]},
        {"protocol": "teltonika", "online": True, "linked": [keys[2]]},
        {},
    ]
    return Fleet(
        id=key,
        name=name,
        token=make_token(key, secret),
        drivers=tuple({"name": one, "uniqueId": card} for one, card in zip(people, keys, strict=True)),
        devices=(
            *(
                {
                    "name": f"Unit {key}{number:02}",
                    "uniqueId": f"86246406{key}00{number:04}",
                    "category": "truck",
                    "phone": f"+1512555{key}1{number:02}",
                    "attributes": {"vin": f"1XKYDP9X{number}MJ43{key}{number:03}", "speedLimit": 48.6},
                    **more,
                }
                for number, more in enumerate(vehicles, 1)
            ),
            *(
                {"name": f"TR-{key}{number:02}", "uniqueId": f"TR{key}{number:02}", "category": "trailer"}
                for number in range(1, 4)
            ),
        ),
    )
