from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest

from fleetwrite.kit.database import Database
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.url_policy import UrlPolicy
from integration.webhooks.harness import Receiver, Webhooks


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    one = Receiver()
    await one.start()
    yield one
    one.hang.set()
    await one.stop()


@pytest.fixture
async def webhooks(database: Database, database_url: str) -> AsyncIterator[Webhooks]:
    policy = UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
    async with Egress(policy) as egress:
        one = Webhooks(database, database_url, egress)
        await one.add_partner(one.partner_id)
        yield one
