"""The composition root: from settings to services that know each other. Nothing else in the package builds services."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from fleetwrite.access.hashing import SecretHasher
from fleetwrite.access.request_limits import RequestLimits
from fleetwrite.access.service import ClientService, TokenService
from fleetwrite.connections.fleet_side import FleetConnections
from fleetwrite.connections.logins import SharedLogins
from fleetwrite.connections.outages import Outages
from fleetwrite.connections.service import ConnectionService
from fleetwrite.connections.usual_budgets import usual_budgets
from fleetwrite.connectors.sdk.manifest import Manifest
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.dispatch.backoff import Backoff
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.dispatch.worker import Worker, WorkerSettings
from fleetwrite.events.fan_out import FanOut
from fleetwrite.fleet_data.erasure import FleetErasure
from fleetwrite.fleet_data.export import FleetExport
from fleetwrite.kit.database import Database, Listener
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.migrations import pending
from fleetwrite.kit.retention import Rule, Sweeper
from fleetwrite.kit.url_policy import UrlPolicy
from fleetwrite.operations import store as operation_store
from fleetwrite.operations.accept import Acceptor, AcceptSettings
from fleetwrite.operations.backlog import BacklogGate
from fleetwrite.operations.connecting import Connecting
from fleetwrite.operations.control import OperationControl
from fleetwrite.operations.disconnecting import Disconnector
from fleetwrite.operations.evidence import Evidence
from fleetwrite.operations.execute import ExecuteSettings, Executor
from fleetwrite.operations.fan_out import FanOutExecutor
from fleetwrite.operations.foresight import Foresight
from fleetwrite.operations.handler import OperationHandler
from fleetwrite.operations.login_check import LoginChecker
from fleetwrite.operations.models import MESSAGES
from fleetwrite.operations.naming import first_named
from fleetwrite.operations.probing import Prober
from fleetwrite.operations.reconcile import Reconciler
from fleetwrite.operations.renewing import Renewer
from fleetwrite.operations.restore import RestoreFence
from fleetwrite.operations.retry import Retrier
from fleetwrite.operations.revoking import Revoker
from fleetwrite.operations.service import OperationService
from fleetwrite.operations.settle import Settler
from fleetwrite.orgs.agreements import AgreementService
from fleetwrite.orgs.expiry import Expiry
from fleetwrite.orgs.invitations import InvitationService
from fleetwrite.orgs.properties import PropertyService
from fleetwrite.orgs.service import OrgService
from fleetwrite.provisioning.connection_import import ConnectionImport
from fleetwrite.pulls.handler import PullHandler
from fleetwrite.pulls.models import PullSettings
from fleetwrite.pulls.storing import PullStorer
from fleetwrite.pulls.upkeep import ScheduleUpkeep
from fleetwrite.records import schedule_store
from fleetwrite.records.id_map import IdMap
from fleetwrite.records.keeping import RecordKeeper
from fleetwrite.records.schedules import KEPT_FOR, ScheduleService
from fleetwrite.records.service import RecordService
from fleetwrite.settings import LEASE_MARGIN_S, SLOT_WAIT_S, Settings, SettingsError, TspSettings
from fleetwrite.vault.providers import CommandKeys, FileKeys, KeyProvider
from fleetwrite.vault.rotation import Rotation
from fleetwrite.vault.service import Vault
from fleetwrite.vault.watch import KeyWatch
from fleetwrite.webhooks import delivery_store
from fleetwrite.webhooks.delivery import DeliveryHandler
from fleetwrite.webhooks.fan_out import Batching, DeliveryPlanner
from fleetwrite.webhooks.health import Health
from fleetwrite.webhooks.limits import renew_budgets
from fleetwrite.webhooks.models import KEPT, DeliverySettings, budgets
from fleetwrite.webhooks.probing import ReceiverProber
from fleetwrite.webhooks.rotation import OldSecrets
from fleetwrite.webhooks.sending import Sender
from fleetwrite.webhooks.service import SubscriptionService
from fleetwrite.webhooks.store import select_listeners
from fleetwrite.webhooks.streams import EventStreams, StreamSettings
from fleetwrite.webhooks.upkeep import SubscriptionUpkeep

REALM_PATH: Final = "/realms/catena"
"""Where the contract has the token endpoint; tokens name it as their issuer."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """Everything one process may need, built once.

    Attributes:
        public_url: where partners and browsers reach the API, without a slash at its end.
        issuer: the URL that tokens name as their issuer.
        database_url: where `database` leads.
    """

    settings: Settings
    database: Database
    database_url: str
    public_url: str
    issuer: str
    vault: Vault
    rotation: Rotation
    registry: Registry
    dispatch: Dispatch
    egress: Egress
    orgs: OrgService
    properties: PropertyService
    invitations: InvitationService
    agreements: AgreementService
    expiry: Expiry
    connection_import: ConnectionImport
    clients: ClientService
    tokens: TokenService
    request_limits: RequestLimits
    connections: ConnectionService
    fleet_connections: FleetConnections
    outages: Outages
    records: RecordService
    id_map: IdMap
    operations: OperationService
    restore_fence: RestoreFence
    control: OperationControl
    connecting: Connecting
    disconnector: Disconnector
    fleet_export: FleetExport
    fleet_erasure: FleetErasure
    logins: SharedLogins
    subscriptions: SubscriptionService
    upkeep: SubscriptionUpkeep
    webhook_health: Health
    streams: EventStreams
    operation_handler: OperationHandler
    delivery_handler: DeliveryHandler
    pull_handler: PullHandler
    schedules: ScheduleService
    prober: Prober
    renewer: Renewer
    sweeper: Sweeper


def require_database_url(settings: Settings) -> str:
    """The database's address.

    Raises:
        SettingsError: there is none.
    """
    if settings.database_url is None:
        raise SettingsError(
            "DATABASE_URL is not set. Set it to a PostgreSQL 15 or newer, as postgresql://user:password@host/database;"
            " or use `fleetwrite up`, which brings its own."
        )
    return settings.database_url


def key_provider(settings: Settings) -> KeyProvider:
    """Where the master keys come from.

    Raises:
        SettingsError: nobody says.
    """
    if settings.vault_command is not None:
        return CommandKeys(settings.vault_command)
    if settings.vault_key_file is not None:
        return FileKeys(Path(settings.vault_key_file))
    raise SettingsError(
        "Neither FLEETWRITE_VAULT_KEY_FILE nor FLEETWRITE_VAULT_COMMAND is set. Make a key with `fleetwrite vault"
        " create-key FILE` and keep it apart from the database: without it, what is sealed there is lost."
    )


@asynccontextmanager
async def open_services(settings: Settings, *, name: str) -> AsyncIterator[Services]:
    """Build the services of one process and, at the end, finish what is in flight and close them.

    Args:
        settings: how.
        name: what an operator sees of this process in the database's list of sessions.

    Raises:
        SettingsError: something is missing, or the schema is older than this version.
        KeyFileError, KeyCommandError, NoKeyError: the master key can not be read.
        WrongKeyError: it is not the key of this database.
    """
    database_url = require_database_url(settings)
    vault = Vault(*await key_provider(settings).load())
    missing = await pending(database_url)
    if missing:
        raise SettingsError(f"The database lacks the migrations {', '.join(missing)}: run `fleetwrite migrate` first.")
    async with AsyncExitStack() as stack:
        database = await Database.connect(
            database_url, max_size=settings.database_pool_size, application_name=f"fleetwrite {name}"
        )
        stack.push_async_callback(database.close)
        await stack.enter_async_context(KeyWatch(database_url, database, vault, name=name))
        async with database.transaction() as connection:
            await vault.verify_keys(connection)
        policy = UrlPolicy(allow_http=settings.outbound_allow_http, allowed_networks=settings.allowed_networks)
        egress = await stack.enter_async_context(Egress(policy))
        services = _build(settings, database, database_url, vault, policy, egress)
        stack.push_async_callback(services.logins.close)
        stack.push_async_callback(services.operations.close)
        stack.push_async_callback(services.delivery_handler.close)
        stack.push_async_callback(services.streams.close)
        await services.tokens.prepare()
        yield services


def _build(
    settings: Settings, database: Database, database_url: str, vault: Vault, policy: UrlPolicy, egress: Egress
) -> Services:
    registry = Registry.load()
    dispatch = Dispatch(database)
    hasher = SecretHasher()
    public_url = (settings.public_url or f"http://{settings.api_host}:{settings.api_port}").rstrip("/")
    issuer = public_url + REALM_PATH
    invitations = InvitationService(database, registry, policy, public_url=public_url)
    agreements = AgreementService(database)
    orgs = OrgService(database, policy)
    schedules = ScheduleService(database, dispatch, registry)
    usual = usual_budgets(registry, settings.tsp)
    connections = ConnectionService(database, vault, registry, dispatch, usual, schedules, egress)
    fleet_connections = FleetConnections(database, connections)
    keeper = RecordKeeper(select_listeners)
    outages = Outages(database, registry, dispatch)
    settler = Settler(
        database, dispatch, outages, keeper, sync_events=settings.sync_events, patience_s=settings.lease_s
    )
    logins = SharedLogins(database, vault)
    executor = Executor(
        egress,
        dispatch,
        logins,
        Reconciler(Evidence(database, dispatch)),
        _execute_settings(settings, registry),
    )
    fan_out = FanOutExecutor(database, dispatch, executor)
    handler = OperationHandler(connections, registry, vault, fan_out, settler, outages, dispatch)
    accept_settings = _accept_settings(settings)
    backlog = BacklogGate(database, settings.backlog_cap)
    retrier = Retrier(database, connections, vault, dispatch, handler, backlog, accept_settings.deadlines)
    foresight = Foresight(database)
    acceptor = Acceptor(database, connections, registry, vault, dispatch, backlog, foresight, accept_settings)
    webhook_budgets = budgets(settings.webhook_per_second, settings.webhook_in_flight)
    subscriptions = SubscriptionService(database, vault, dispatch, egress, webhook_budgets)
    health = Health(database, dispatch)
    sender = Sender(vault, egress, timeout_s=settings.webhook_timeout_s)
    disconnector = Disconnector(
        database, connections, fleet_connections, Revoker(egress, dispatch, registry), dispatch, settler
    )
    return Services(
        settings=settings,
        database=database,
        database_url=database_url,
        public_url=public_url,
        issuer=issuer,
        vault=vault,
        rotation=Rotation(database, vault),
        registry=registry,
        dispatch=dispatch,
        egress=egress,
        orgs=orgs,
        properties=PropertyService(database, policy),
        invitations=invitations,
        agreements=agreements,
        expiry=Expiry(invitations, agreements),
        connection_import=ConnectionImport(database, orgs, connections, registry),
        clients=ClientService(database, hasher),
        tokens=TokenService(database, vault, hasher, issuer=issuer),
        request_limits=RequestLimits(database, settings.partner_requests_per_s),
        connections=connections,
        fleet_connections=fleet_connections,
        outages=outages,
        records=RecordService(database),
        id_map=IdMap(database, first_named),
        operations=OperationService(
            database, vault, acceptor, handler, fan_out, settler, outages, sync_deadline_s=settings.sync_deadline_s
        ),
        restore_fence=RestoreFence(database, settler),
        control=OperationControl(database, dispatch, settler, retrier),
        connecting=Connecting(
            connections, LoginChecker(egress, dispatch, registry, read_timeout_s=settings.read_timeout_s)
        ),
        disconnector=disconnector,
        fleet_export=FleetExport(database),
        fleet_erasure=FleetErasure(database, agreements, invitations, connections, disconnector),
        logins=logins,
        subscriptions=subscriptions,
        upkeep=SubscriptionUpkeep(database, dispatch, subscriptions, sender, health),
        webhook_health=health,
        streams=EventStreams(database, database_url, StreamSettings()),
        operation_handler=handler,
        delivery_handler=DeliveryHandler(
            database, dispatch, sender, health, DeliverySettings(patience_s=settings.lease_s)
        ),
        pull_handler=PullHandler(
            connections,
            registry,
            dispatch,
            egress,
            logins,
            PullStorer(database, dispatch, outages, keeper),
            _pull_settings(settings),
        ),
        schedules=schedules,
        prober=Prober(
            database, connections, registry, outages, egress, dispatch, logins, read_timeout_s=settings.read_timeout_s
        ),
        renewer=Renewer(
            database, connections, registry, outages, egress, dispatch, logins, read_timeout_s=settings.read_timeout_s
        ),
        sweeper=Sweeper(database, retention_rules(settings)),
    )


def _execute_settings(settings: Settings, registry: Registry) -> ExecuteSettings:
    return ExecuteSettings(
        backoff=Backoff(first_s=settings.retry_first_s, cap_s=settings.retry_cap_s),
        backoffs={connector.manifest.slug: backoff_of(connector.manifest, settings) for connector in registry},
        provider_timeout_s=settings.provider_timeout_s,
        read_timeout_s=settings.read_timeout_s,
        slot_wait_s=SLOT_WAIT_S,
        attempt_lasts_s=settings.attempt_lasts_s,
    )


def _accept_settings(settings: Settings) -> AcceptSettings:
    return AcceptSettings(
        deadlines={
            resource: timedelta(
                seconds=settings.message_deadline_s if resource in MESSAGES else settings.write_deadline_s
            )
            for resource in ResourceEnum
        },
        sync_lease=timedelta(seconds=settings.sync_deadline_s + LEASE_MARGIN_S),
        sync_events=settings.sync_events,
    )


def _pull_settings(settings: Settings) -> PullSettings:
    return PullSettings(
        call_timeout_s=settings.provider_timeout_s,
        slot_wait_s=SLOT_WAIT_S,
        attempt_lasts_s=settings.attempt_lasts_s,
    )


def backoff_of(manifest: Manifest, settings: Settings) -> Backoff:
    """How long to wait after a failed attempt at this provider: as its settings say, else its manifest, else all."""
    tsp = settings.tsp.get(manifest.slug, TspSettings())
    return Backoff(
        first_s=tsp.retry_first_s or manifest.retry_first_s or settings.retry_first_s,
        cap_s=tsp.retry_cap_s or manifest.retry_cap_s or settings.retry_cap_s,
    )


def retention_rules(settings: Settings) -> list[Rule]:
    """What is removed when its time is over. What hangs on another row comes before it."""
    return [
        Rule(name="delivery_attempts", keeps=KEPT, remove=delivery_store.REMOVE_ATTEMPTS),
        Rule(name="deliveries", keeps=KEPT, remove=delivery_store.REMOVE_ENDED),
        Rule(name="events", keeps=timedelta(days=settings.events_kept_days), remove=delivery_store.REMOVE_EVENTS),
        Rule(name="executions", keeps=KEPT_FOR, remove=schedule_store.REMOVE_ENDED),
        Rule(
            name="operations", keeps=timedelta(days=settings.operations_kept_days), remove=operation_store.REMOVE_ENDED
        ),
    ]


async def run_worker(services: Services, stop: asyncio.Event) -> None:
    """Deliver operations and webhooks, pull records, fan out events, probe what is parked or stale, renew sessions, and
    end or delete what is gone, old or expired.

    Goes on until `stop` is set, and then finishes what is in flight. Before all that, it brings the limits that nobody
    chose in line with manifests and settings.
    """
    settings = services.settings
    await services.connections.renew_budgets()
    webhook_budgets = budgets(settings.webhook_per_second, settings.webhook_in_flight)
    await renew_budgets(services.database, services.dispatch, webhook_budgets)
    lease_lasts = timedelta(seconds=settings.lease_s)
    worker = Worker(
        services.database,
        services.dispatch,
        [services.operation_handler, services.delivery_handler, services.pull_handler],
        WorkerSettings(
            concurrency=settings.worker_concurrency,
            lease_lasts=lease_lasts,
            fewer={services.pull_handler.kind: settings.pull_concurrency},
        ),
    )
    planner = DeliveryPlanner(services.dispatch, Batching(most_events=settings.webhook_batch))
    fan_out = FanOut(services.database, planner.plan)
    receivers = ReceiverProber(services.database, services.webhook_health, services.delivery_handler, lease_lasts)
    channels = {**worker.channels, **fan_out.channels}
    listener = Listener(services.database_url, channels, application_name="fleetwrite listener")
    async with listener, asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run(stop))
        tasks.create_task(fan_out.run(stop))
        tasks.create_task(OldSecrets(services.database).run(stop))
        tasks.create_task(services.prober.run(stop))
        tasks.create_task(receivers.run(stop))
        tasks.create_task(services.sweeper.run(stop))
        tasks.create_task(ScheduleUpkeep(services.schedules).run(stop))
        tasks.create_task(services.renewer.run(stop))
        tasks.create_task(services.disconnector.run(stop))
        tasks.create_task(services.expiry.run(stop))
        tasks.create_task(services.fleet_erasure.run(stop))
