"""What the settings come to for those who work by them."""

from datetime import timedelta

from fleetwrite.connectors.sdk.manifest import Manifest
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.dispatch.backoff import Backoff
from fleetwrite.kit.retention import Rule
from fleetwrite.operations import store as operation_store
from fleetwrite.operations.accept import AcceptSettings
from fleetwrite.operations.execute import ExecuteSettings
from fleetwrite.operations.models import MESSAGES
from fleetwrite.pulls.models import PullSettings
from fleetwrite.records import schedule_store
from fleetwrite.records.schedules import KEPT_FOR
from fleetwrite.settings import LEASE_MARGIN_S, SLOT_WAIT_S, Settings, TspSettings
from fleetwrite.webhooks import delivery_store
from fleetwrite.webhooks.models import KEPT


def execute_settings(settings: Settings, registry: Registry) -> ExecuteSettings:
    """How attempts are made, at each provider."""
    return ExecuteSettings(
        backoff=Backoff(first_s=settings.retry_first_s, cap_s=settings.retry_cap_s),
        backoffs={connector.manifest.slug: backoff_of(connector.manifest, settings) for connector in registry},
        provider_timeout_s=settings.provider_timeout_s,
        read_timeout_s=settings.read_timeout_s,
        slot_wait_s=SLOT_WAIT_S,
        attempt_lasts_s=settings.attempt_lasts_s,
    )


def accept_settings(settings: Settings) -> AcceptSettings:
    """How long accepted writes have."""
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


def pull_settings(settings: Settings) -> PullSettings:
    """How long a pulled page has."""
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
