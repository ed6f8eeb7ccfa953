"""Services that know each other. Nothing else in the package builds services."""

from functools import cached_property
from typing import Final

from fleetwrite.access.hashing import SecretHasher
from fleetwrite.access.request_limits import RequestLimits
from fleetwrite.access.service import ClientService, TokenService
from fleetwrite.bootstrap.chosen import accept_settings, execute_settings, pull_settings, retention_rules
from fleetwrite.connections.budgets import ConnectionBudgets
from fleetwrite.connections.fleet_side import FleetConnections
from fleetwrite.connections.logins import SharedLogins
from fleetwrite.connections.outages import Outages
from fleetwrite.connections.service import ConnectionService
from fleetwrite.connections.steering import Steering
from fleetwrite.connections.usual_budgets import UsualBudgets, usual_budgets
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.fleet_data.erasure import FleetErasure
from fleetwrite.fleet_data.export import FleetExport
from fleetwrite.kit.database import Database
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.retention import Sweeper
from fleetwrite.kit.url_policy import UrlPolicy
from fleetwrite.operations.accept import Acceptor
from fleetwrite.operations.backlog import BacklogGate
from fleetwrite.operations.connecting import Connecting
from fleetwrite.operations.control import OperationControl
from fleetwrite.operations.disconnecting import Disconnector
from fleetwrite.operations.evidence import Evidence
from fleetwrite.operations.execute import Executor
from fleetwrite.operations.fan_out import FanOutExecutor
from fleetwrite.operations.foresight import Foresight
from fleetwrite.operations.handler import OperationHandler
from fleetwrite.operations.login_check import LoginChecker
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
from fleetwrite.pulls.storing import PullStorer
from fleetwrite.records.id_map import IdMap
from fleetwrite.records.keeping import RecordKeeper
from fleetwrite.records.schedules import ScheduleService
from fleetwrite.records.service import RecordService
from fleetwrite.settings import Settings
from fleetwrite.vault.rotation import Rotation
from fleetwrite.vault.service import Vault
from fleetwrite.webhooks.delivery import DeliveryHandler
from fleetwrite.webhooks.health import Health
from fleetwrite.webhooks.models import DeliverySettings, budgets
from fleetwrite.webhooks.sending import Sender
from fleetwrite.webhooks.service import SubscriptionService
from fleetwrite.webhooks.store import select_listeners
from fleetwrite.webhooks.streams import EventStreams, StreamSettings
from fleetwrite.webhooks.upkeep import SubscriptionUpkeep

REALM_PATH: Final = "/realms/catena"
"""Where the contract has the token endpoint; tokens name it as their issuer."""


class Services:
    """Everything one process may need. Each service is built when it is first asked for, and only once.

    Attributes:
        public_url: where partners and browsers reach the API, without a slash at its end.
        issuer: the URL that tokens name as their issuer.
        database_url: where `database` leads.
        policy: where calls may go.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        database_url: str,
        vault: Vault,
        policy: UrlPolicy,
        egress: Egress,
    ) -> None:
        self.settings = settings
        self.database = database
        self.database_url = database_url
        self.vault = vault
        self.policy = policy
        self.egress = egress
        self.registry = Registry.load()
        self.dispatch = Dispatch(database)
        self.public_url = (settings.public_url or f"http://{settings.api_host}:{settings.api_port}").rstrip("/")
        self.issuer = self.public_url + REALM_PATH

    @cached_property
    def rotation(self) -> Rotation:
        return Rotation(self.database, self.vault)

    @cached_property
    def orgs(self) -> OrgService:
        return OrgService(self.database, self.policy)

    @cached_property
    def properties(self) -> PropertyService:
        return PropertyService(self.database, self.policy)

    @cached_property
    def invitations(self) -> InvitationService:
        return InvitationService(self.database, self.registry, self.policy, public_url=self.public_url)

    @cached_property
    def agreements(self) -> AgreementService:
        return AgreementService(self.database)

    @cached_property
    def expiry(self) -> Expiry:
        return Expiry(self.invitations, self.agreements)

    @cached_property
    def clients(self) -> ClientService:
        return ClientService(self.database, self._hasher)

    @cached_property
    def tokens(self) -> TokenService:
        return TokenService(self.database, self.vault, self._hasher, issuer=self.issuer)

    @cached_property
    def request_limits(self) -> RequestLimits:
        return RequestLimits(self.database, self.settings.partner_requests_per_s)

    @cached_property
    def schedules(self) -> ScheduleService:
        return ScheduleService(self.database, self.dispatch, self.registry)

    @cached_property
    def connections(self) -> ConnectionService:
        return ConnectionService(
            self.database,
            self.vault,
            self.registry,
            self.dispatch,
            self._usual_budgets,
            self.schedules,
            self.egress,
        )

    @cached_property
    def steering(self) -> Steering:
        return Steering(self.database, self.connections, self.registry, self.dispatch)

    @cached_property
    def connection_budgets(self) -> ConnectionBudgets:
        return ConnectionBudgets(self.database, self.connections, self.dispatch, self._usual_budgets)

    @cached_property
    def fleet_connections(self) -> FleetConnections:
        return FleetConnections(self.database, self.connections)

    @cached_property
    def connection_import(self) -> ConnectionImport:
        return ConnectionImport(self.database, self.orgs, self.connections, self.registry)

    @cached_property
    def connecting(self) -> Connecting:
        return Connecting(
            self.connections,
            LoginChecker(self.egress, self.dispatch, self.registry, read_timeout_s=self.settings.read_timeout_s),
        )

    @cached_property
    def disconnector(self) -> Disconnector:
        return Disconnector(
            self.database,
            self.connections,
            self.fleet_connections,
            Revoker(self.egress, self.dispatch, self.registry),
            self.dispatch,
            self._settler,
        )

    @cached_property
    def fleet_export(self) -> FleetExport:
        return FleetExport(self.database)

    @cached_property
    def fleet_erasure(self) -> FleetErasure:
        return FleetErasure(self.database, self.agreements, self.invitations, self.connections, self.disconnector)

    @cached_property
    def logins(self) -> SharedLogins:
        return SharedLogins(self.database, self.vault)

    @cached_property
    def outages(self) -> Outages:
        return Outages(self.database, self.registry, self.dispatch)

    @cached_property
    def records(self) -> RecordService:
        return RecordService(self.database)

    @cached_property
    def id_map(self) -> IdMap:
        return IdMap(self.database, first_named)

    @cached_property
    def operations(self) -> OperationService:
        return OperationService(
            self.database,
            self.vault,
            self._acceptor,
            self.operation_handler,
            self._fan_out,
            self._settler,
            self.outages,
            sync_deadline_s=self.settings.sync_deadline_s,
        )

    @cached_property
    def operation_handler(self) -> OperationHandler:
        return OperationHandler(
            self.connections,
            self.registry,
            self.vault,
            self._fan_out,
            self._settler,
            self.outages,
            self.dispatch,
        )

    @cached_property
    def restore_fence(self) -> RestoreFence:
        return RestoreFence(self.database, self._settler)

    @cached_property
    def control(self) -> OperationControl:
        return OperationControl(
            self.database,
            self.dispatch,
            self._settler,
            Retrier(
                self.database,
                self.connections,
                self.vault,
                self.dispatch,
                self.operation_handler,
                self._backlog,
                accept_settings(self.settings).deadlines,
            ),
        )

    @cached_property
    def prober(self) -> Prober:
        return Prober(
            self.database,
            self.connections,
            self.registry,
            self.outages,
            self.egress,
            self.dispatch,
            self.logins,
            read_timeout_s=self.settings.read_timeout_s,
        )

    @cached_property
    def renewer(self) -> Renewer:
        return Renewer(
            self.database,
            self.connections,
            self.registry,
            self.outages,
            self.egress,
            self.dispatch,
            self.logins,
            read_timeout_s=self.settings.read_timeout_s,
        )

    @cached_property
    def pull_handler(self) -> PullHandler:
        return PullHandler(
            self.connections,
            self.registry,
            self.dispatch,
            self.egress,
            self.logins,
            PullStorer(self.database, self.dispatch, self.outages, self._keeper),
            pull_settings(self.settings),
        )

    @cached_property
    def subscriptions(self) -> SubscriptionService:
        return SubscriptionService(
            self.database,
            self.vault,
            self.dispatch,
            self.egress,
            budgets(self.settings.webhook_per_second, self.settings.webhook_in_flight),
        )

    @cached_property
    def upkeep(self) -> SubscriptionUpkeep:
        return SubscriptionUpkeep(self.database, self.dispatch, self.subscriptions, self._sender, self.webhook_health)

    @cached_property
    def webhook_health(self) -> Health:
        return Health(self.database, self.dispatch)

    @cached_property
    def delivery_handler(self) -> DeliveryHandler:
        return DeliveryHandler(
            self.database,
            self.dispatch,
            self._sender,
            self.webhook_health,
            DeliverySettings(patience_s=self.settings.lease_s),
        )

    @cached_property
    def streams(self) -> EventStreams:
        return EventStreams(self.database, self.database_url, StreamSettings())

    @cached_property
    def sweeper(self) -> Sweeper:
        return Sweeper(self.database, retention_rules(self.settings))

    @cached_property
    def _usual_budgets(self) -> UsualBudgets:
        return usual_budgets(self.registry, self.settings.tsp)

    @cached_property
    def _hasher(self) -> SecretHasher:
        return SecretHasher()

    @cached_property
    def _keeper(self) -> RecordKeeper:
        return RecordKeeper(select_listeners)

    @cached_property
    def _backlog(self) -> BacklogGate:
        return BacklogGate(self.database, self.settings.backlog_cap)

    @cached_property
    def _sender(self) -> Sender:
        return Sender(self.vault, self.egress, timeout_s=self.settings.webhook_timeout_s)

    @cached_property
    def _settler(self) -> Settler:
        return Settler(
            self.database,
            self.dispatch,
            self.outages,
            self._keeper,
            sync_events=self.settings.sync_events,
            patience_s=self.settings.lease_s,
        )

    @cached_property
    def _fan_out(self) -> FanOutExecutor:
        return FanOutExecutor(
            self.database,
            self.dispatch,
            Executor(
                self.egress,
                self.dispatch,
                self.logins,
                Reconciler(Evidence(self.database, self.dispatch)),
                execute_settings(self.settings, self.registry),
            ),
        )

    @cached_property
    def _acceptor(self) -> Acceptor:
        return Acceptor(
            self.database,
            self.connections,
            self.registry,
            self.vault,
            self.dispatch,
            self._backlog,
            Foresight(self.database),
            accept_settings(self.settings),
        )
