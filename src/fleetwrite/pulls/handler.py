"""Runs pulls for a worker: read a few pages, store each with what it says, and say when to go on."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast
from uuid import UUID

import structlog

from fleetwrite.connections.errors import BadConnectionFieldsError
from fleetwrite.connections.logins import Logins
from fleetwrite.connections.models import Account
from fleetwrite.connections.service import ConnectionService
from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError, RecordPage
from fleetwrite.connectors.sdk.outcome import AuthFailed, Forbidden, Rejected, Throttled
from fleetwrite.connectors.sdk.registry import Registry, UnknownTspError
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.dispatch.errors import LeaseLostError, SlotTimeoutError
from fleetwrite.dispatch.models import Closing, Job
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import DATABASE_FAILURES, Connection
from fleetwrite.kit.egress import AnswerLostError, Egress, ForbiddenUrlError, NotSentError
from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.operations.session import Patience, ProviderSession
from fleetwrite.pulls.models import (
    CLAIM_LASTS_S,
    PAGES_PER_CLAIM,
    THROTTLED_S,
    Failed,
    Halt,
    Halted,
    LoginRefused,
    Postponed,
    Pull,
    PullSettings,
    Source,
    Stumbled,
)
from fleetwrite.pulls.responses import response_of, secrets_in
from fleetwrite.pulls.storing import PullStorer
from fleetwrite.records import schedule_store
from fleetwrite.records.errors import UnlistedResourceError
from fleetwrite.records.schedule_models import PULL, Execution
from fleetwrite.vault.errors import SealBrokenError

log = structlog.get_logger(__name__)


class SpareSlots:
    """Slots of one pull's calls: those that no write waits for."""

    def __init__(self, dispatch: Dispatch, job: Job) -> None:
        self._dispatch = dispatch
        self._job = job

    async def take_slot(self, owner_id: UUID, scopes: Sequence[str], within_s: float) -> tuple[str, ...]:
        """See `operations.session.Slots`. The owner is the job's."""
        del owner_id
        return await self._dispatch.take_spare_slot(self._job, scopes, within_s)

    async def close(self, owner_id: UUID, closing: Closing) -> None:
        """See `operations.session.Slots`."""
        await self._dispatch.close(owner_id, closing)


class PullHandler:
    """The dispatch handler of pulls."""

    kind = PULL

    def __init__(
        self,
        connections: ConnectionService,
        registry: Registry,
        dispatch: Dispatch,
        egress: Egress,
        logins: Logins,
        storer: PullStorer,
        settings: PullSettings,
    ) -> None:
        self._connections = connections
        self._registry = registry
        self._dispatch = dispatch
        self._egress = egress
        self._logins = logins
        self._storer = storer
        self._settings = settings

    async def load(self, connection: Connection, jobs: Sequence[Job]) -> Mapping[UUID, Pull]:
        """Schedules, executions under way and accounts of these jobs, in three queries."""
        found = await schedule_store.select_for_jobs(connection, [job.id for job in jobs])
        wanted = {schedule.connection_id for schedule, _ in found.values()}
        accounts = await self._connections.open_accounts(connection, wanted)
        pulls: dict[UUID, Pull] = {}
        for job in jobs:
            if job.id in found:
                schedule, execution = found[job.id]
                pulls[job.id] = Pull(job, schedule, accounts[schedule.connection_id], execution)
        return pulls

    async def run(self, job: Job, work: Any) -> None:
        """Pull for as long as one claim may, and store what came of it."""
        pull: Pull = work
        try:
            if pull.schedule.is_active:
                await self._pull(pull)
            else:
                await self._storer.put_back(pull)
        except LeaseLostError:
            log.warning("pulls.lease_lost", schedule_id=str(job.id))

    async def _pull(self, pull: Pull) -> None:
        execution = pull.execution()
        try:
            source, session = self._open(pull)
        except (SealBrokenError, BadConnectionFieldsError, UnknownTspError, UnlistedResourceError) as error:
            await self._storer.fail_unread(pull, execution, response_of(str(error), None, ()))
            return
        pages = source.connector.list_records(pull.schedule.resource, session, execution.cursor)
        halted = await self._read(pull, source, execution, session, pages)
        if halted is not None:
            await self._storer.halt(pull, source, halted)

    def _open(self, pull: Pull) -> tuple[Source, ProviderSession]:
        """The way to the provider's list.

        Raises:
            SealBrokenError: the account's credentials can not be opened.
            BadConnectionFieldsError: the account's region is unknown.
            UnknownTspError: the provider's connector is not installed any more.
            UnlistedResourceError: it has this list no more.
        """
        account, settings = pull.account, self._settings
        connector = self._registry.get(account.connection.tsp_slug)
        manifest, resource = connector.manifest, pull.schedule.resource
        listings = {listing.resource: listing for listing in manifest.listings}
        if resource not in listings:
            raise UnlistedResourceError(resource, manifest.name, list(listings))
        call_s = min(settings.call_timeout_s, manifest.timeout_s)
        patience = Patience(
            deadline_at=asyncio.get_running_loop().time() + settings.attempt_lasts_s,
            slot_wait_s=settings.slot_wait_s,
            write_timeout_s=call_s,
            read_timeout_s=call_s,
        )
        slots = SpareSlots(self._dispatch, pull.job)
        session = ProviderSession(self._egress, slots, self._logins, account, connector, patience)
        return Source(connector, listings[resource], account.host), session

    async def _read(
        self,
        pull: Pull,
        source: Source,
        execution: Execution,
        session: ProviderSession,
        pages: AsyncIterator[RecordPage],
    ) -> Halted | None:
        """Read and store pages; returns where that came to a halt, or None when a page was stored that ended it."""
        loop = asyncio.get_running_loop()
        begun_at, asked_at, count = loop.time(), pull.job.claimed_at, 0
        async with aclosing(cast("AsyncGenerator[RecordPage]", pages)):
            while True:
                try:
                    page = await anext(pages)
                except DATABASE_FAILURES:
                    raise  # ours: the lease ends, and somebody goes on behind the last page that was stored
                except Exception as error:  # noqa: BLE001 - whatever it is, it is told: it must not be tried for ever
                    return Halted(execution, self._halt(pull, source, session, error), session.reach)
                count += 1
                more = not page.is_last and count < PAGES_PER_CLAIM and loop.time() - begun_at < CLAIM_LASTS_S
                execution, asked_at, is_over = await self._storer.store_page(
                    pull, source, execution, page, asked_at, more=more
                )
                if is_over:
                    return None

    def _halt(self, pull: Pull, source: Source, session: ProviderSession, error: Exception) -> Halt:
        match error:
            case SlotTimeoutError():
                return Postponed(error.wait_s)
            case LoginRefusedError():
                return LoginRefused()
            case ProviderAnswerError() if session.last_call is not None:
                return self._halt_by_answer(pull, source, session.last_call, session, error)
            case ForbiddenUrlError():
                return Failed(self._response(pull.account, session, error))
            case NotSentError() | AnswerLostError():
                return Stumbled(self._response(pull.account, session, error))
            case FleetwriteError():
                return Failed(self._response(pull.account, session, error))
            case _:
                log.error("pulls.crashed", schedule_id=str(pull.schedule.id), exc_info=error)
                return Failed(self._response(pull.account, session, error))

    def _halt_by_answer(
        self, pull: Pull, source: Source, call: Call, session: ProviderSession, error: ProviderAnswerError
    ) -> Halt:
        match source.connector.read_failure(call, error.answer):
            case Throttled(retry_after_s=retry_after_s):
                return Postponed(retry_after_s or THROTTLED_S)
            case AuthFailed():
                return LoginRefused()
            case Rejected() | Forbidden():
                return Failed(self._response(pull.account, session, error))
            case _:
                return Stumbled(self._response(pull.account, session, error))

    def _response(self, account: Account, session: ProviderSession, error: Exception) -> dict[str, Any]:
        answer = error.answer if isinstance(error, ProviderAnswerError) else None
        secrets = secrets_in(account.credentials, session.login.credentials, session.login.session)
        details = str(error) if isinstance(error, FleetwriteError) else f"{type(error).__name__} in the connector"
        return response_of(details, answer, secrets)
