"""The floor of the accept path: a bare ASGI application that only stores.

It decodes the body and writes the same rows as an accepted write (operation, event, job, the lane's due time, both
notifications) by the product's own group commit, in one statement each. It checks no token, looks up no connection,
validates and translates nothing, and answers with nothing but the id: no accept path that keeps the product's promises
can be faster.
"""

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
import uvicorn

from bench.cloning import clone_statement
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.group_commit import GroupCommit
from fleetwrite.kit.ids import new_id

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

_JSON: Final = (b"content-type", b"application/json")


class _Write(msgspec.Struct):
    connection_id: UUID
    trailer_name: str


_DECODER: Final = msgspec.json.Decoder(_Write)


class Floor:
    """The application.

    Args:
        database: where the rows go.
        statements: INSERTs of operations, jobs and events, each copying a row that the product wrote.
        template: the id of the operation that is copied.
    """

    def __init__(self, database: Database, statements: Sequence[str], template: UUID, event: UUID) -> None:
        self._operations, self._jobs, self._events = statements
        self._template = template
        self._event = event
        self._group: GroupCommit[tuple[UUID, _Write], None] = GroupCommit(database, self._store)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        operation_id = new_id()
        await self._group.submit((operation_id, _DECODER.decode(body)))
        answer = msgspec.json.encode({"id": operation_id})
        headers = [_JSON, (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _store(self, connection: Connection, writes: Sequence[tuple[UUID, _Write]]) -> Sequence[None]:
        ids = [one for one, _ in writes]
        payloads = [write for _, write in writes]
        await connection.execute(self._operations, self._template, ids, payloads)
        await connection.execute(self._events, self._event, [new_id() for _ in ids], payloads)
        await connection.execute(self._jobs, self._template, ids)
        await connection.execute(
            "UPDATE lanes SET due_at = LEAST(lanes.due_at, fleetwrite_now()) FROM jobs"
            " WHERE jobs.id = $1 AND lanes.id = jobs.lane_id",
            self._template,
        )
        await connection.execute("SELECT pg_notify('fleetwrite_dispatch', ''), pg_notify('fleetwrite_events', '')")
        return [None] * len(writes)


async def statements(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """The three INSERTs."""
    now = dict.fromkeys(("created_at", "updated_at", "occurred_at"), "fleetwrite_now()")
    return [
        await clone_statement(
            connection,
            "operations",
            {**now, "id": "new.id", "payload": "new.payload"},
            "unnest($2::uuid[], $3::jsonb[]) AS new (id, payload)",
            "template.id = $1",
        ),
        await clone_statement(
            connection,
            "jobs",
            {"id": "new.id", "due_at": "fleetwrite_now()"},
            "unnest($2::uuid[]) AS new (id)",
            "template.id = $1",
        ),
        await clone_statement(
            connection,
            "events",
            {**now, "id": "new.id", "fanned_out_at": "NULL", "data": "template.data || new.data"},
            "unnest($2::uuid[], $3::jsonb[]) AS new (id, data)",
            "template.id = $1",
        ),
    ]


async def serve(port: int, template: UUID) -> None:
    """Serve until told to stop."""
    dsn = os.environ["DATABASE_URL"]
    connection = await asyncpg.connect(dsn)
    event = await connection.fetchval("SELECT id FROM events WHERE data->>'id' = $1::text", str(template))
    inserts = await statements(connection)
    await connection.close()
    database = await Database.connect(dsn, max_size=4, application_name="bench floor")
    config = uvicorn.Config(
        Floor(database, inserts, template, event), port=port, lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(f"http://127.0.0.1:{port}", flush=True)
    await serving
    await database.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--template", type=UUID, required=True)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvicorn.Config("", loop="auto", log_config=None).get_loop_factory()) as runner:
        runner.run(serve(options.port, options.template))


if __name__ == "__main__":
    main()
