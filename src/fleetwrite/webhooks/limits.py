"""The limits of subscriptions, as the settings have them."""

from collections.abc import Sequence

from fleetwrite.dispatch.models import BudgetLimit
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Database
from fleetwrite.webhooks import store


async def renew_budgets(database: Database, dispatch: Dispatch, usual: Sequence[BudgetLimit]) -> None:
    """Give all subscriptions the limits that are usual now: they may have been set up under others."""
    async with database.acquire() as connection:
        outdated = await dispatch.with_outdated_budgets(connection, await store.select_ids(connection), usual)
    # One by one, so that no transaction holds the lanes of many.
    for subscription_id in outdated:
        async with database.transaction() as connection:
            await dispatch.renew_budgets(connection, subscription_id, usual)
