"""Answers that a well-behaved server never gives; the well-behaved ones are tried against the simulator."""

from typing import Any

import msgspec
from multidict import CIMultiDict, CIMultiDictProxy

from fleetwrite.connectors.sdk.write import Call
from fleetwrite.kit.egress import HttpAnswer


def answered(status: int, body: Any = None, **headers: str) -> HttpAnswer:
    """An answer; a body of bytes is as it is, others are JSON."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return HttpAnswer(status=status, headers=CIMultiDictProxy(CIMultiDict(headers)), body=content, elapsed_s=0.1)


class Script:
    """A session that answers with these in turn, and remembers the calls."""

    def __init__(self, *answers: HttpAnswer) -> None:
        self._answers = iter(answers)
        self.calls: list[Call] = []

    async def call(self, call: Call) -> HttpAnswer:
        self.calls.append(call)
        return next(self._answers)

    def made(self, source_id: str) -> None:
        raise AssertionError(f"{source_id} is made by the one call there is")
