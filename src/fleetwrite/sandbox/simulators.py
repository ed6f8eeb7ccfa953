"""The providers' simulators of a sandbox, each in a process of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from fleetwrite.connectors.sdk.simulator import DemoAccount, DemoApp
from fleetwrite.kit.egress import Egress
from fleetwrite.sandbox.children import Child, ChildStartError

_TIMEOUT_S: Final = 10.0


class _Accounts(msgspec.Struct):
    accounts: list[DemoAccount]


class _App(msgspec.Struct):
    app: DemoApp | None


class RunningSimulator(msgspec.Struct, frozen=True):
    """A simulator that answers at `url`."""

    tsp: str
    url: str
    child: Child


async def start_simulator(
    tsp: str, data_dir: Path, url: str | None, environment: Mapping[str, str]
) -> RunningSimulator:
    """Start one simulator, at the address it had before if that is still free.

    Args:
        tsp: the provider's slug.
        data_dir: where its records are.
        url: where it answered last time; None at the first.
        environment: of its process.

    Raises:
        ChildStartError: it does not start.
    """
    child = Child("simulator", tsp, "--data-dir", str(data_dir), "--port", "0", environment=environment, announces=True)
    try:
        found = await _start_at(child, 0 if url is None else _port(url))
    except ChildStartError:
        if url is None:
            raise
        found = await _start_at(child, 0)
    # When it is restarted, those who know its address must find it there.
    child.arguments[-1] = str(_port(found))
    return RunningSimulator(tsp, found, child)


async def demo_accounts(simulator: RunningSimulator, egress: Egress) -> Sequence[DemoAccount]:
    """The accounts to connect to, as the simulator tells them."""
    answer = await egress.request("GET", f"{simulator.url}/_simulator/accounts", timeout_s=_TIMEOUT_S)
    return msgspec.json.decode(answer.body, type=_Accounts).accounts


async def demo_app(simulator: RunningSimulator, egress: Egress) -> DemoApp | None:
    """The app that fleets can let in there, as the simulator tells it."""
    answer = await egress.request("GET", f"{simulator.url}/_simulator/app", timeout_s=_TIMEOUT_S)
    return msgspec.json.decode(answer.body, type=_App).app


async def _start_at(child: Child, port: int) -> str:
    child.arguments[-1] = str(port)
    return await child.start()


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])
