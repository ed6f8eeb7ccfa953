"""The Samsara simulator with as many organisations as a measurement needs, each with a limit of its own or none.

Run as a process: `python -m bench.simulator --data-dir D --limits '{"9001": {"requests": 5, ...}}'`. Everything else is
the simulator that the tests use; its log is the judge of every figure.
"""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from fleetwrite.connectors.samsara.simulator.organizations import Organization, Token, demo_organizations
from fleetwrite.connectors.samsara.simulator.server import SamsaraSimulator
from fleetwrite.connectors.sdk.simulator import Caller, Endpoint, KeyedLimit, Limit, run_simulator

FIRST_ID = 9000
"""The organisation of this id has people and vehicles; those after it are empty, unless they are given vehicles."""


def token(number: int) -> str:
    """The API token of the organisation `FIRST_ID + number`."""
    return f"bench_token_{number}"


def organizations(count: int, fleets: Mapping[str, int]) -> list[Organization]:
    """So many organisations; the first one holds people and vehicles, others as many vehicles as `fleets` says."""
    (furnished, *_) = demo_organizations()
    first = msgspec.structs.replace(furnished, id=str(FIRST_ID), tokens=(Token(token(0)),))
    return [
        first,
        *(
            Organization(
                id=str(FIRST_ID + number),
                name=f"Fleet {number}",
                tokens=(Token(token(number)),),
                vehicles=tuple(vehicle(place) for place in range(fleets.get(str(FIRST_ID + number), 0))),
            )
            for number in range(1, count)
        ),
    ]


def vehicle(number: int) -> dict[str, Any]:
    """A vehicle with all that fleets usually fill in."""
    return {
        "name": f"Unit {number}",
        "vin": f"1XKYDP9X7MJ{number:06}",
        "make": "Kenworth",
        "model": "T680",
        "year": 2015 + number % 10,
        "licensePlate": f"7TR{number:06}",
        "notes": f"Depot {number % 97}, bay {number % 13}",
        "externalIds": {"maintenanceId": f"M-{number}"},
    }


class LimitedSimulator(SamsaraSimulator):
    """Limits each organisation's token as told, and nobody else."""

    def __init__(self, data_dir: Path, count: int, limits: Mapping[str, Limit], fleets: Mapping[str, int]) -> None:
        super().__init__(data_dir, organizations(count, fleets))
        self._own = limits

    def limits(self, caller: Caller, endpoint: Endpoint | None) -> Sequence[KeyedLimit]:
        """The organisation's own limit, if it has one."""
        del endpoint
        own = self._own.get(caller.organization)
        return [] if own is None else [KeyedLimit(("token", caller.token), own)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--organizations", type=int, required=True)
    parser.add_argument("--limits", default="{}")
    parser.add_argument("--fleets", default="{}")
    options = parser.parse_args()
    limits = msgspec.json.decode(options.limits, type=dict[str, Limit])
    fleets = msgspec.json.decode(options.fleets, type=dict[str, int])
    options.data_dir.mkdir(parents=True, exist_ok=True)
    simulator = LimitedSimulator(options.data_dir, options.organizations, limits, fleets)
    asyncio.run(run_simulator(simulator, on_ready=lambda url: print(url, flush=True)))


if __name__ == "__main__":
    main()
