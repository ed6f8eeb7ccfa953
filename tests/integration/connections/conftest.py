from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest

from fleetwrite.kit.egress import Egress
from fleetwrite.kit.url_policy import UrlPolicy


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    """May call loopback, as simulators and tests need it."""
    policy = UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
    async with Egress(policy) as egress:
        yield egress
