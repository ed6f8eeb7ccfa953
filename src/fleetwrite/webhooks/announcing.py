"""Events about subscriptions themselves."""

from typing import Final

from fleetwrite.contract.event_names import WebhookEventNameEnum, WebhookStatusEnum
from fleetwrite.contract.notifications import BaseWebhookEvent
from fleetwrite.events.models import NewEvent
from fleetwrite.kit.ids import new_id
from fleetwrite.webhooks.masking import mask_url
from fleetwrite.webhooks.models import Subscription

TOLD_OF_STATUS: Final = {
    WebhookStatusEnum.ACTIVE: WebhookEventNameEnum.WEBHOOK_ACTIVATED,
    WebhookStatusEnum.PAUSED: WebhookEventNameEnum.WEBHOOK_PAUSED,
    WebhookStatusEnum.STALE: WebhookEventNameEnum.WEBHOOK_STALED,
}
"""What tells that a subscription got a status."""


def webhook_event(name: WebhookEventNameEnum, subscription: Subscription) -> NewEvent:
    """What happened to a subscription, as its partner's other subscriptions are told. The URL is masked."""
    return NewEvent(
        id=new_id(),
        event_name=name,
        partner_id=subscription.partner_id,
        data=BaseWebhookEvent(
            id=subscription.id,
            url=mask_url(subscription.url),
            event_name=subscription.event_name,
            filters=subscription.filters,
            status=subscription.status,
        ),
    )
