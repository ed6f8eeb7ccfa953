"""What a simulator's log shows of a call: readable, and without secrets."""

from collections.abc import Set as AbstractSet
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from multidict import MultiMapping

MASK: Final = "***"


def readable_query(query: MultiMapping[str], secrets: AbstractSet[str]) -> dict[str, Any]:
    """Query parameters as an object, a list where one is repeated; those named in `secrets` masked."""
    shown: dict[str, Any] = {}
    for name in query:
        values = [MASK] if name in secrets else query.getall(name)
        shown[name] = values[0] if len(values) == 1 else values
    return shown


def readable_body(body: bytes, content_type: str, secrets: AbstractSet[str]) -> Any:
    """A body's JSON, or its form fields as an object, with JSON in them decoded; None where it is empty.

    Other text that names a secret is not shown at all.
    """
    if not body:
        return None
    text = body.decode(errors="replace")
    if content_type == "application/x-www-form-urlencoded":
        return _masked({name: _decoded(value) for name, value in parse_qsl(text, keep_blank_values=True)}, secrets)
    try:
        return _masked(msgspec.json.decode(body), secrets)
    except msgspec.DecodeError:
        return MASK if any(name in text for name in secrets) else text


def _decoded(text: str) -> Any:
    """The object or list in a form field; any other text as it is."""
    if not text.startswith(("{", "[")):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _masked(value: Any, secrets: AbstractSet[str]) -> Any:
    """JSON with every secret field hidden, at any depth."""
    if isinstance(value, dict):
        return {key: MASK if key in secrets else _masked(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, secrets) for item in value]
    return value
