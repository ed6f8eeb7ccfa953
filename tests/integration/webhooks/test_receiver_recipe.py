"""The receivers of docs/howto/receive-webhooks.md are run as they stand there."""

import asyncio
import gzip
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientSession

from fleetwrite.contract.event_names import WebhookSubscribableEvent
from fleetwrite.contract.notifications import WebhookCreate
from fleetwrite.kit.ids import new_id
from fleetwrite.webhooks.models import Delivery
from fleetwrite.webhooks.schemes import catena_signature
from fleetwrite.webhooks.signing import signed_request
from integration.webhooks.harness import Webhooks

GUIDE = Path(__file__).parents[3] / "docs" / "howto" / "receive-webhooks.md"
SECRET = "a-secret-of-the-partner's-own"


class Recipe:
    """The documented receiver, running."""

    def __init__(self, process: Process, url: str) -> None:
        self._process = process
        self.url = url

    async def printed(self) -> object:
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            return json.loads(await self._process.stdout.readline())


@asynccontextmanager
async def running(code: str, tmp_path: Path) -> AsyncIterator[Recipe]:
    (tmp_path / "receiver.py").write_text(code)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "receiver.py",
        "0",
        cwd=tmp_path,
        env={**os.environ, "FLEETWRITE_WEBHOOK_SECRET": SECRET, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=PIPE,
        stderr=PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(20):
        greeting = await process.stderr.readline()
    port = int(greeting.rpartition(b" ")[2])
    try:
        yield Recipe(process, f"http://127.0.0.1:{port}/")
    finally:
        process.kill()
        await process.communicate()


def receivers() -> tuple[str, str]:
    """The documented receivers: the one that uses our `verify`, and the one that does with Python alone."""
    with_verify, alone = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert "import VerificationError, verify" in with_verify
    assert "fleetwrite" not in alone.lower().replace("fleetwrite_webhook_secret", "")
    return with_verify, alone


@pytest.fixture
async def recipe(tmp_path: Path) -> AsyncIterator[Recipe]:
    async with running(receivers()[1], tmp_path) as recipe:
        yield recipe


async def test_the_documented_receiver_with_verify_takes_what_we_send_and_nothing_else(
    webhooks: Webhooks, tmp_path: Path
) -> None:
    async with running(receivers()[0], tmp_path) as recipe:
        name = WebhookSubscribableEvent.RESOURCE_OPERATION_CREATED
        body = WebhookCreate(url=recipe.url, event_name=name, secret=SECRET)
        await webhooks.subscriptions.create(webhooks.partner_id, body)
        async with webhooks.worker():
            [event_id] = await webhooks.emit()
            assert await recipe.printed() == {
                "id": str(event_id),
                "name": "resource_operation.created",
                "data": [{"number": 0, "note": "Grüße"}],
            }
            await webhooks.until("status = 'success'")
        async with ClientSession() as client, client.post(recipe.url, data=b"{}") as answer:
            assert answer.status == 401


async def test_the_documented_receiver_takes_what_we_send(webhooks: Webhooks, recipe: Recipe) -> None:
    body = WebhookCreate(url=recipe.url, event_name=WebhookSubscribableEvent.RESOURCE_OPERATION_CREATED, secret=SECRET)
    await webhooks.subscriptions.create(webhooks.partner_id, body)
    async with webhooks.worker():
        [event_id] = await webhooks.emit()
        printed = await recipe.printed()
        await webhooks.until("status = 'success'")
    assert isinstance(printed, dict)
    assert printed["id"] == str(event_id)
    assert printed["data"] == [{"number": 0, "note": "Grüße"}]


async def test_the_documented_receiver_drops_repeats_and_refuses_what_is_not_ours(recipe: Recipe) -> None:
    delivery = Delivery(
        id=new_id(),
        message_id=new_id(),
        event_name="vehicle.added",
        occurred_at=datetime(2026, 5, 4, tzinfo=UTC),
        data=("{}",),
        subscription_id=new_id(),
        url=recipe.url,
        secret_sealed=b"",
        tried_since=datetime(2026, 5, 4, tzinfo=UTC),
    )
    genuine = signed_request(delivery, SECRET.encode(), attempt=1, request_id=new_id())
    repeat = signed_request(delivery, SECRET.encode(), attempt=2, request_id=new_id())
    other = msgspec.structs.replace(delivery, message_id=new_id())
    forged = signed_request(other, b"another secret", attempt=1, request_id=new_id())
    old_timestamp = (datetime.now(UTC) - timedelta(minutes=6)).isoformat(timespec="seconds")
    old_headers = {
        **genuine.headers,
        "X-Catena-Timestamp": old_timestamp,
        "X-Catena-Signature": catena_signature(SECRET.encode(), old_timestamp, gzip.decompress(genuine.body)),
    }
    bomb = gzip.compress(b" " * 11 * 1024 * 1024)
    async with ClientSession() as client:

        async def status_of(headers: Mapping[str, str], body: bytes) -> int:
            async with client.post(recipe.url, headers=headers, data=body) as response:
                return response.status

        assert await status_of(genuine.headers, genuine.body) == 202
        assert await status_of(repeat.headers, repeat.body) == 202
        assert await status_of(forged.headers, forged.body) == 401
        assert await status_of(old_headers, genuine.body) == 401
        assert await status_of({}, genuine.body) == 401
        assert await status_of(genuine.headers, genuine.body[:-4]) == 400
        assert await status_of(genuine.headers, b"not packed") == 400
        assert await status_of(genuine.headers, bomb) == 400
        last = signed_request(other, SECRET.encode(), attempt=1, request_id=new_id())
        assert await status_of(last.headers, last.body) == 202
    printed = [await recipe.printed(), await recipe.printed()]
    assert [one["id"] for one in printed if isinstance(one, dict)] == [str(delivery.message_id), str(other.message_id)]
