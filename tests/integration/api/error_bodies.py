"""Checks that an error body is exactly the contract's: its keys, its constants, nothing else."""

from typing import Any

import msgspec

from fleetwrite.api.error_answers import BODIES
from integration.api.world import HttpAnswer


def error_body(answer: HttpAnswer) -> Any:
    """Decode an error body, which must be just what its Struct would encode to, and carry the status's constants."""
    body_type: Any = BODIES[answer.status]
    body: Any = msgspec.json.decode(answer.content, type=body_type)
    assert msgspec.json.decode(answer.content) == msgspec.to_builtins(body)
    constants = body_type()
    assert body.message == constants.message
    if answer.status == 500:
        assert answer.content == b'{"message":"Internal Server Error"}'
    else:
        assert body.code == answer.status
        assert body.detail
    assert answer.headers["X-Request-ID"]
    return body


def details_of(answer: HttpAnswer) -> dict[str, str]:
    """Path -> error type of a 422's faults."""
    details = error_body(answer).detail
    assert all(detail.message for detail in details)
    return {detail.path: detail.error_type.value for detail in details}
