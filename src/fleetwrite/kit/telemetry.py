"""Structured logs, with the values of sensitive keys blotted out before anything is written."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Final, Literal

import structlog

REDACTED: Final = "[redacted]"

# A part of the key is enough: client_secret, X-Api-Key, samsara_token and old_password are all meant.
_SENSITIVE: Final = re.compile(
    r"authorization|passw|secret|token|credential|cookie|signature|api[-_]?key|private[-_]?key|dsn|database_url",
    re.IGNORECASE,
)
# Both styles of traceback leave out local variables, which structlog would show and which hold secrets.
_TRACEBACKS: Final = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)
_MAX_DEPTH: Final = 6  # deeper values are not logged at all: nobody reads them, and cycles end here


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: replace the value of every sensitive key, at any depth."""
    return {key: _redacted(key, value, 0) for key, value in event.items()}


def _redacted(key: object, value: Any, depth: int) -> Any:
    if isinstance(key, str) and _SENSITIVE.search(key):
        return REDACTED
    if depth >= _MAX_DEPTH:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {inner: _redacted(inner, item, depth + 1) for inner, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return [_redacted(None, item, depth + 1) for item in value]
    return value


def configure_logging(style: Literal["json", "console"] = "json", level: str = "INFO") -> None:
    """Send all logs, the standard library's as well, to standard error as one JSON object or one line
    each.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    final: list[structlog.typing.Processor] = (
        [_TRACEBACKS, structlog.processors.JSONRenderer(default=str)]
        if style == "json"
        else [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
