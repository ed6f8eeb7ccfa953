"""The demo itself: a partner writes everything there is to write, is told of each end, and compares."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from fleetwrite.sandbox import demo_activity, demo_records
from fleetwrite.sandbox.board import Board, Report
from fleetwrite.sandbox.comparison import SUCCEEDED, Difference, Evidence, Outcome, compare, differences
from fleetwrite.sandbox.expectations import Cast, DemoWrite
from fleetwrite.sandbox.partner import RAISED_LIMIT, Onlooker, Partner, open_clients
from fleetwrite.sandbox.receiver import Received, Receiver, open_receiver
from fleetwrite.sandbox.seed import SandboxDescription

_WEBHOOKS_WITHIN_S: Final = 30.0
"""Everything is over within a second or two; a machine that is busy with other things gets its time."""

_COLLECTIONS: Final = ("vehicles", "trailers", "drivers", "users", "messages", "dvirs", "fuel-purchase")

_OPERATION_STATUSES: Final = frozenset({200, 202, 502})
"""Of an answer that is an operation: done, accepted, and tried in vain."""

_SHORTEST_PASSWORD: Final = 8
"""Characters; less could be guessed."""

_NEW_DRIVER: Final = "create driver"
_SYNC_WRITE: Final = "send message (sync)"


async def demonstrate(description: SandboxDescription, board: Board) -> Report:
    """Perform and judge every write on a sandbox that is up.

    Raises:
        ConversationError: a server of the sandbox did not answer as documented.
    """
    async with open_receiver() as receiver, open_clients(description) as (partner, onlooker):
        demonstration = Demonstration(partner, onlooker, receiver, board)
        board.phase("Raising the limits on both sides, subscribing to webhooks")
        async with _raised_limits(partner, onlooker), _subscribed(partner, receiver):
            return await demonstration.perform()


@asynccontextmanager
async def _raised_limits(partner: Partner, onlooker: Onlooker) -> AsyncIterator[None]:
    """Raise the limits; when all went well they are what they were, for a sandbox can be kept."""
    budgets = await partner.budgets()
    await onlooker.raise_limits()
    await partner.replace_budgets([{"scope": "token", **RAISED_LIMIT}])
    yield
    await partner.replace_budgets(budgets)
    await onlooker.reset_limits()


@asynccontextmanager
async def _subscribed(partner: Partner, receiver: Receiver) -> AsyncIterator[None]:
    receiver.secrets = await partner.subscribe(receiver.url)
    yield
    for webhook_id in receiver.secrets:
        await partner.unsubscribe(webhook_id)


class Demonstration:
    """One run."""

    def __init__(self, partner: Partner, onlooker: Onlooker, receiver: Receiver, board: Board) -> None:
        self._partner = partner
        self._onlooker = onlooker
        self._receiver = receiver
        self._board = board
        self._tag = secrets.token_hex(3)
        self._outcomes: list[Outcome] = []
        self._differences: list[Difference] = []

    async def perform(self) -> Report:
        """All writes, their ends, and the comparison."""
        cast = await self._cast()
        first = 1 + max((call["sequence"] for call in await self._onlooker.calls(0)), default=0)
        self._board.phase("Writing")
        await self._await_events([await self._submit(write) for write in self._async_writes(cast)])
        await self._write_to_new_driver(cast)
        self._board.phase("Polling every operation, reading every record by our id")
        for outcome in self._outcomes:
            await self._look_at(outcome)
        self._board.phase("Collecting the driver's password")
        await self._collect_password()
        self._board.phase("Comparing what the simulator holds with what was sent")
        calls = await self._onlooker.calls(first - 1)
        records = {name: await self._onlooker.records(name) for name in _COLLECTIONS}
        self._differences += compare(self._outcomes, Evidence(calls, records))
        self._differences += [Difference("webhook", "a genuine delivery", why) for why in self._receiver.refused]
        return Report(self._outcomes, self._differences)

    async def _cast(self) -> Cast:
        """Whom and what to write to: found by the API's lists, as a partner would."""
        drivers = await self._partner.records("users", is_driver="true")
        office_users = await self._partner.records("users", is_driver="false")
        vehicles = await self._partner.records("vehicles")
        trailers = await self._partner.records("trailers")
        return Cast(drivers=drivers[:3], office_user=office_users[0], vehicle=vehicles[0], trailer=trailers[0])

    def _async_writes(self, cast: Cast) -> Iterator[DemoWrite]:
        """Every write that Samsara's API offers."""
        tag, sender = self._tag, cast.office_user
        yield demo_records.create_vehicle(tag)
        yield demo_records.update_vehicle(cast.vehicle, tag)
        yield demo_records.create_trailer_with_vin(tag)
        yield demo_records.create_trailer_by_name(tag)
        yield demo_records.update_trailer(cast.trailer, tag)
        yield demo_records.create_driver(_NEW_DRIVER, tag)
        yield demo_records.update_driver(cast.drivers[0], tag)
        yield demo_records.create_office_user(tag)
        yield demo_records.update_office_user(cast.office_user, tag)
        yield demo_activity.message("send message", sender, cast.drivers[0], f"Gate 4 is closed, use gate 2 ({tag})")
        yield demo_activity.group_message(sender, cast.drivers, f"Snow on I-80: chains on, please ({tag})")
        yield demo_activity.inspection(cast, tag)
        yield demo_activity.fuel_purchase(cast, tag, datetime.now(UTC))

    async def _write_to_new_driver(self, cast: Cast) -> None:
        """One sync write, addressed by the id that the partner was told by webhook a moment ago."""
        self._board.phase("Writing synchronously, to the driver who was just created")
        created = self._new_driver.events.get(SUCCEEDED)
        if created is None:
            self._differences.append(Difference(_SYNC_WRITE, "a driver to write to", "none was created"))
            return
        (operation,) = created.envelope["data"]
        driver = {"id": operation["resource_id"], "source_id": operation["source_id"]}
        text = f"Welcome aboard ({self._tag})"
        write = demo_activity.message(_SYNC_WRITE, cast.office_user, driver, text, is_sync=True)
        await self._await_events([await self._submit(write)])

    async def _submit(self, write: DemoWrite) -> Outcome:
        answer = await self._partner.write(write.method, write.path, write.body, is_sync=write.is_sync)
        is_operation = answer.status in _OPERATION_STATUSES
        losses = answer.headers.get("Fleetwrite-Losses", "").split(",")
        outcome = Outcome(
            write=write,
            status=answer.status,
            answer=answer.content,
            operation=answer.content if is_operation else None,
            losses=frozenset(name for loss in losses if (name := loss.strip())),
        )
        self._outcomes.append(outcome)
        state = answer.content["status"] if is_operation else "refused"
        self._board.advance(write.name, f"answered {answer.status}, {state}")
        return outcome

    async def _await_events(self, awaited: Sequence[Outcome]) -> None:
        """Take webhooks until these were announced and ended; the comparison finds what did not come in time."""
        self._board.phase("Waiting for webhooks")
        outcomes = {outcome.operation["id"]: outcome for outcome in self._outcomes if outcome.operation is not None}
        deadline = asyncio.get_running_loop().time() + _WEBHOOKS_WITHIN_S
        while any(outcome.operation is not None and not outcome.is_told for outcome in awaited):
            received = await self._receiver.next(deadline - asyncio.get_running_loop().time())
            if received is None:
                return
            for operation in received.envelope["data"]:
                # Events of somebody else who plays with the same sandbox come here too.
                if operation["id"] in outcomes:
                    self._note(outcomes[operation["id"]], received)

    def _note(self, outcome: Outcome, received: Received) -> None:
        outcome.events.setdefault(received.event_name, received)
        if outcome.ended is received:
            told = received.event_name.removeprefix("resource_operation.")
            self._board.advance(outcome.write.name, f"answered {outcome.status}, webhook says {told}")

    async def _look_at(self, outcome: Outcome) -> None:
        if outcome.operation is None:
            return
        operation = outcome.operation = await self._partner.operation(outcome.operation["id"])
        if outcome.write.read_path is not None and operation["resource_id"] is not None:
            outcome.read_back = await self._partner.record(f"{outcome.write.read_path}/{operation['resource_id']}")

    async def _collect_password(self) -> None:
        """The password that was made up for the new driver is handed out once, and shown nowhere else."""
        operation = self._new_driver.operation
        if operation is None or operation["status"] != "success":
            return
        where = f"{_NEW_DRIVER}: password"
        first = await self._partner.secrets(operation["id"])
        again = await self._partner.secrets(operation["id"])
        self._differences += differences(f"{where}, collected once", 200, first.status)
        self._differences += differences(f"{where}, collected again", 404, again.status)
        password = (first.content.get("secrets") or {}).get("password")
        # A difference is printed, hence must not hold the password itself.
        if not isinstance(password, str) or len(password) < _SHORTEST_PASSWORD:
            self._differences.append(Difference(where, f"{_SHORTEST_PASSWORD} characters or more", "less"))
        elif password in json.dumps(operation):
            self._differences.append(Difference(where, "kept out of the operation", "shown in it"))

    @property
    def _new_driver(self) -> Outcome:
        return next(outcome for outcome in self._outcomes if outcome.write.name == _NEW_DRIVER)
