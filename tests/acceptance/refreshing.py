"""A process that logs in anew to a provider, for the tests of refreshes.

python refreshing.py race CONNECTION_ID COUNT    so many at once, when a line comes in; prints the generations
python refreshing.py die                         what is due, as a worker does; stops before it stores the answer
"""

import asyncio
import os
import sys
from typing import Any
from uuid import UUID

from fleetwrite.bootstrap import Services, open_services
from fleetwrite.connections import login_store
from fleetwrite.connectors.sdk.connector import SessionConnector
from fleetwrite.kit.telemetry import configure_logging
from fleetwrite.operations.session import Patience, ProviderSession
from fleetwrite.settings import Settings

LASTS_S = 60.0


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the test reads it


async def race(services: Services, connection_id: UUID, count: int) -> None:
    async with services.database.acquire() as connection:
        accounts = await services.connections.open_accounts(connection, [connection_id])
    account = accounts[connection_id]
    connector = services.registry.get(account.connection.tsp_slug)
    assert isinstance(connector, SessionConnector)
    patience = Patience(
        deadline_at=asyncio.get_running_loop().time() + LASTS_S,
        slot_wait_s=LASTS_S,
        write_timeout_s=LASTS_S,
        read_timeout_s=LASTS_S,
    )
    sessions = [
        ProviderSession(services.egress, services.dispatch, services.logins, account, connector, patience)
        for _ in range(count)
    ]
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.gather(*(session.renew(connector) for session in sessions))
    say(" ".join(sorted({session.login.session["access_token"] for session in sessions})))


async def die(services: Services) -> None:
    async def never(*_: Any) -> int:
        say("answered")
        await asyncio.Event().wait()
        return 0

    login_store.keep = never  # type: ignore[assignment] # the very point at which this process is to be killed
    await services.renewer.renew_due()


async def main(mode: str, *arguments: str) -> None:
    configure_logging("json", "critical")
    async with open_services(Settings.load(os.environ), name="refreshing") as services:
        if mode == "die":
            await die(services)
        else:
            await race(services, UUID(arguments[0]), int(arguments[1]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
