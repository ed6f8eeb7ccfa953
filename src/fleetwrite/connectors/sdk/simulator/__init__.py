"""Base of the providers' simulators: HTTP server, data, log, control API, faults and limits; knows no
provider.
"""

from fleetwrite.connectors.sdk.simulator.faults import Fault
from fleetwrite.connectors.sdk.simulator.limits import KeyedLimit, Limit
from fleetwrite.connectors.sdk.simulator.protocol import (
    Answer,
    Arriving,
    Call,
    Caller,
    DemoAccount,
    DemoApp,
    Endpoint,
    Query,
    RefusalError,
)
from fleetwrite.connectors.sdk.simulator.server import Simulator, run_simulator
from fleetwrite.connectors.sdk.simulator.sessions import Sessions
from fleetwrite.connectors.sdk.simulator.storage import Record, SimulatorInUseError, Storage

__all__ = [
    "Answer",
    "Arriving",
    "Call",
    "Caller",
    "DemoAccount",
    "DemoApp",
    "Endpoint",
    "Fault",
    "KeyedLimit",
    "Limit",
    "Query",
    "Record",
    "RefusalError",
    "Sessions",
    "Simulator",
    "SimulatorInUseError",
    "Storage",
    "run_simulator",
]
