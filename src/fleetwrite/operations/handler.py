"""Runs operations for a worker: load what an attempt needs, make it, store what became of it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from fleetwrite.connections.models import Account
from fleetwrite.connections.outages import Outages
from fleetwrite.connections.service import ConnectionService
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.connectors.sdk.write import SourceReference, Write
from fleetwrite.dispatch.errors import LeaseLostError
from fleetwrite.dispatch.models import Job
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Connection
from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.operations import store
from fleetwrite.operations.accept import SECRETS_PURPOSE
from fleetwrite.operations.errors import MissingTermsError
from fleetwrite.operations.fan_out import FanOutExecutor
from fleetwrite.operations.models import KIND, Task, Unready
from fleetwrite.operations.payload import body_of
from fleetwrite.operations.references import TARGET, resolve
from fleetwrite.operations.settle import Settler
from fleetwrite.operations.store import Stored
from fleetwrite.records.models import Record
from fleetwrite.records.store import resolve as resolve_records
from fleetwrite.vault.service import Vault

log = structlog.get_logger(__name__)

_SECRETS: Final = msgspec.json.Decoder(dict[str, str])


class OperationHandler:
    """The dispatch handler of resource operations."""

    kind = KIND

    def __init__(
        self,
        connections: ConnectionService,
        registry: Registry,
        vault: Vault,
        executor: FanOutExecutor,
        settler: Settler,
        outages: Outages,
        dispatch: Dispatch,
    ) -> None:
        self._connections = connections
        self._outages = outages
        self._dispatch = dispatch
        self._registry = registry
        self._vault = vault
        self._executor = executor
        self._settler = settler

    async def load(self, connection: Connection, jobs: Sequence[Job]) -> Mapping[UUID, Task | Unready]:
        """Everything needed to attempt the operations of `jobs`, in a handful of queries for all of them."""
        stored = await store.select_stored(connection, [job.id for job in jobs])
        expired = [job for job in jobs if job.expired]
        tasks = await self.prepare(connection, stored, {job.owner_id for job in expired})
        barred = await self._dispatch.barred_since(connection, expired) if expired else {}
        return {of: _with_bar(task, barred.get(of)) for of, task in tasks.items()} if barred else tasks

    async def prepare(
        self, connection: Connection, stored: Sequence[Stored], expired: Collection[UUID] = ()
    ) -> Mapping[UUID, Task | Unready]:
        """Everything needed to attempt these operations; `expired` are connections on which some have expired."""
        accounts = await self._connections.open_accounts(connection, {one.operation.connection_id for one in stored})
        wanted = {one for each in stored for ids in each.terms.record_ids.values() for one in ids}
        records = await resolve_records(connection, wanted) if wanted else {}
        sealed = await store.select_secrets(connection, [one.operation.id for one in stored])
        refused = await self._outages.refused_since(connection, expired) if expired else {}
        return {
            one.operation.id: self._prepare(
                one,
                accounts[one.operation.connection_id],
                records,
                sealed.get(one.operation.id),
                refused.get(one.operation.connection_id),
            )
            for one in stored
        }

    async def run(self, job: Job, work: Any) -> None:
        """Make one attempt and store what became of it."""
        task: Task | Unready = work
        try:
            await self._settler.settle(await self._executor.attempt(job, task))
        except LeaseLostError:
            log.warning("operations.lease_lost", operation_id=str(job.id), attempt=job.attempts)

    def _prepare(
        self,
        stored: Stored,
        account: Account,
        records: Mapping[UUID, Record],
        sealed: bytes | None,
        refused_since: datetime | None,
    ) -> Task | Unready:
        try:
            task = self._task(stored, account, records, sealed)
            return msgspec.structs.replace(task, refused_since=refused_since)
        except (FleetwriteError, msgspec.MsgspecError):
            # It must not stop the others that were claimed with it.
            log.exception("operations.not_ready", operation_id=str(stored.operation.id))
            return Unready(operation=stored.operation)

    def _task(self, stored: Stored, account: Account, records: Mapping[UUID, Record], sealed: bytes | None) -> Task:
        operation, terms = stored.operation, stored.terms
        missing = [one for ids in terms.record_ids.values() for one in ids if one not in records]
        if missing:
            raise MissingTermsError(f"Operation {operation.id} refers to records that are gone: {missing}.")
        references = {one: SourceReference(records[one].source_id, records[one].attributes) for one in records}
        resolved = resolve(operation.resource, terms.record_ids, references)
        target = terms.record_ids.get(TARGET)
        secrets: Mapping[str, str] = {}
        if sealed is not None:
            secrets = _SECRETS.decode(self._vault.open(sealed, purpose=SECRETS_PURPOSE, subject=operation.id))
        return Task(
            operation=operation,
            account=account,
            connector=self._registry.get(account.connection.tsp_slug),
            write=Write(
                operation_id=operation.id,
                resource=operation.resource,
                operation_type=operation.operation_type,
                body=body_of(
                    stored.payload_json, f'"{operation.connection_id}"', operation.resource, operation.operation_type
                ),
                target=None if target is None else references[target[0]],
                references=resolved.single,
                reference_lists=resolved.lists,
                cleared=frozenset(terms.cleared),
                allow_losses=terms.allow_losses,
                idempotency_key=terms.idempotency_key,
                settings=account.connection.settings,
                made=stored.made,
            ),
            secrets=secrets,
        )


def _with_bar(task: Task | Unready, since: datetime | None) -> Task | Unready:
    return task if isinstance(task, Unready) else msgspec.structs.replace(task, barred_since=since)
