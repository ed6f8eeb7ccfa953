"""What a provider answered to a read that failed, as an execution shows it: masked, and cut to what people read."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from fleetwrite.connectors.sdk.outcome_table import read_json
from fleetwrite.connectors.sdk.wire import MASK
from fleetwrite.kit.egress import HttpAnswer
from fleetwrite.kit.telemetry import redact
from fleetwrite.operations.conclusion import SHOWN_HEADERS

LONGEST: Final = 4000
"""Characters of a body. A page of records may have megabytes, and its beginning says what it is."""

_SHORTEST_SECRET: Final = 4
"""What is shorter is no secret, and would blot out half of the text."""


def response_of(details: str, answer: HttpAnswer | None, secrets: Collection[str]) -> dict[str, Any]:
    """What to keep of a failure.

    Args:
        details: what went wrong.
        answer: what was answered; None: nothing was.
        secrets: what must not be seen, should the provider repeat it.
    """
    response: dict[str, Any] = {"error": _shown(details, secrets)}
    if answer is not None:
        response["status_code"] = answer.status
        response["headers"] = {
            name: _shown(value, secrets) for name, value in answer.headers.items() if SHOWN_HEADERS.fullmatch(name)
        }
        response["body"] = _shown(_body(answer.body), secrets)
    return response


def secrets_in(*mappings: Mapping[str, str]) -> set[str]:
    """The values of credentials and sessions."""
    return {value for one in mappings for value in one.values() if len(value) >= _SHORTEST_SECRET}


def _body(body: bytes) -> str:
    document = read_json(body)
    if isinstance(document, dict | list):
        # The values of keys such as `token` are secrets of whoever the provider speaks of.
        return msgspec.json.encode(redact(None, "", {"body": document})["body"]).decode()
    return body.decode("utf-8", errors="replace")


def _shown(text: str, secrets: Collection[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    # What neither JSON nor PostgreSQL can hold.
    text = text.encode("utf-8", errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
