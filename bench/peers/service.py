"""The endpoint: `python -m bench.peers.service --port P`. One write, one job, one insert."""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from bench.peers.tasks import app as tasks
from bench.peers.tasks import deliver


class Write(BaseModel):
    """A trailer to create."""

    provider: str
    token: str
    trailer_name: str
    receiver: str | None = None


class Accepted(BaseModel):
    """What is answered."""

    id: int


async def accept(write: Write) -> Accepted:
    """Take the write."""
    job_id = await deliver.defer_async(
        provider=write.provider, token=write.token, name=write.trailer_name, receiver=write.receiver
    )
    return Accepted(id=job_id)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open the pool, and say that we are ready."""
    async with tasks.open_async():
        print("ready", flush=True)
        yield


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    api = FastAPI(lifespan=lifespan)
    api.add_api_route("/writes", accept, methods=["POST"], status_code=202, response_model=Accepted)
    uvicorn.run(api, port=parser.parse_args().port, log_config=None, access_log=False)


if __name__ == "__main__":
    main()
