"""What a worker does."""

import asyncio
from datetime import timedelta

from fleetwrite.bootstrap.services import Services
from fleetwrite.dispatch.worker import Worker, WorkerSettings
from fleetwrite.events.fan_out import FanOut
from fleetwrite.kit.database import Listener
from fleetwrite.pulls.upkeep import ScheduleUpkeep
from fleetwrite.webhooks.fan_out import Batching, DeliveryPlanner
from fleetwrite.webhooks.limits import renew_budgets
from fleetwrite.webhooks.models import budgets
from fleetwrite.webhooks.probing import ReceiverProber
from fleetwrite.webhooks.rotation import OldSecrets


async def run_worker(services: Services, stop: asyncio.Event) -> None:
    """Deliver operations and webhooks, pull records, fan out events, probe what is parked or stale, renew sessions, and
    end or delete what is gone, old or expired.

    Goes on until `stop` is set, and then finishes what is in flight. Before all that, it brings the limits that nobody
    chose in line with manifests and settings.
    """
    settings = services.settings
    await services.connection_budgets.renew()
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
