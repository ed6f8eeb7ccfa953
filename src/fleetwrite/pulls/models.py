"""What a pull works with, and how one can come to a halt."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from fleetwrite.connections.models import Account
from fleetwrite.connections.outage_models import Reach
from fleetwrite.connectors.sdk.connector import Connector
from fleetwrite.connectors.sdk.manifest import Listing
from fleetwrite.contract.enums import ExecutionStatusEnum
from fleetwrite.dispatch.models import Job
from fleetwrite.kit.ids import new_id
from fleetwrite.records.schedule_models import Execution, Schedule

PAGES_PER_CLAIM: Final = 16
"""After so many the job goes back into its lane: others get their turns, and a worker that stops does not wait long."""

CLAIM_LASTS_S: Final = 10.0
"""The same by the clock, for slow providers. With the longest call on top it stays within a lease."""

STUMBLE_DELAYS_S: Final = (5.0, 30.0)
"""Pauses after a page that could not be read. A hiccup is over by then; after the last one the execution has failed, as
the next one is soon due anyway."""

THROTTLED_S: Final = 30.0
"""How long to leave a provider alone that says neither how often it may be called nor when again."""


class PullSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How pages are read.

    Attributes:
        call_timeout_s: after so many seconds an answer counts as lost, unless the manifest says sooner.
        slot_wait_s: how long to wait for a slot before the job goes back into its lane.
        attempt_lasts_s: after so many seconds no further call of a claim is begun.
    """

    call_timeout_s: float
    slot_wait_s: float
    attempt_lasts_s: float


class Pull(msgspec.Struct, frozen=True):
    """What a job stands for, as it was when it was claimed.

    Attributes:
        job: the claim.
        schedule: whose turn it is.
        account: where to read.
        under_way: the execution that an earlier claim began; None: a new one begins.
    """

    job: Job
    schedule: Schedule
    account: Account
    under_way: Execution | None

    def execution(self) -> Execution:
        """The execution to go on with."""
        if self.under_way is not None:
            return self.under_way
        return Execution(
            id=new_id(),
            schedule_id=self.schedule.id,
            status=ExecutionStatusEnum.PENDING,
            is_whole=self.schedule.cursor is None,
            cursor=self.schedule.cursor,
            left_some=False,
            pages=0,
            failures=0,
            response=None,
            last_data_at=None,
            created_at=self.job.claimed_at,
            updated_at=self.job.claimed_at,
        )


class Source(msgspec.Struct, frozen=True):
    """Where pages come from.

    Attributes:
        connector: the provider's.
        listing: which of its lists.
        host: the provider's, as `name:port`.
    """

    connector: Connector
    listing: Listing
    host: str

    @property
    def settle_s(self) -> float:
        """So long after a write the provider's lists may not show it yet."""
        return self.connector.manifest.reconciliation.settle_s


class Postponed(msgspec.Struct, frozen=True):
    """Nothing is wrong: no slot came free, or the provider wants to be left alone. Go on in so many seconds."""

    delay_s: float


class LoginRefused(msgspec.Struct, frozen=True):
    """The provider does not accept the connection's login: it is parked, and this is no error of the schedule's."""


class Stumbled(msgspec.Struct, frozen=True):
    """A page could not be read, and may be the next time."""

    response: Mapping[str, Any]


class Failed(msgspec.Struct, frozen=True):
    """A page could not be read, and would not be the next time either."""

    response: Mapping[str, Any]


Halt = Postponed | LoginRefused | Stumbled | Failed


class Halted(msgspec.Struct, frozen=True):
    """Where and why a claim came to a halt, and how far its last call came (None: no call was made)."""

    execution: Execution
    halt: Halt
    reach: Reach | None


def newest(*instants: datetime | None) -> datetime | None:
    """The latest of these; None where there is none."""
    return max((one for one in instants if one is not None), default=None)
