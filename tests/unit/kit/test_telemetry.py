import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from fleetwrite.kit.telemetry import REDACTED, configure_logging, redact


@pytest.fixture
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "key",
    ["authorization", "Authorization", "password", "client_secret", "access_token", "credentials", "X-Api-Key",
     "private_key", "set-cookie", "database_url", "X-Catena-Signature"],
)  # fmt: skip
def test_values_of_sensitive_keys_are_redacted_at_any_depth(key: str) -> None:
    event = {"event": "call", key: "s3cret", "nested": {"list": [{key: "s3cret"}]}}
    assert "s3cret" not in json.dumps(redact(None, "info", event))


def test_other_values_stay() -> None:
    event = {"event": "call", "status": 200, "headers": {"content-type": "a/b"}, "ids": [1, 2]}
    assert redact(None, "info", event) == event


def test_a_cycle_ends() -> None:
    loop: dict[str, object] = {}
    loop["self"] = loop
    assert "too deep" in str(redact(None, "info", {"loop": loop}))


@pytest.mark.usefixtures("restored_logging")
def test_logs_are_json_lines_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    structlog.get_logger("one").info("called", client_secret="s3cret", status=200)
    logging.getLogger("two").warning("old style %s", "message")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines[0]["event"] == "called"
    assert lines[0]["client_secret"] == REDACTED
    assert lines[0]["level"] == "info"
    assert lines[1]["event"] == "old style message"


@pytest.mark.usefixtures("restored_logging")
@pytest.mark.parametrize("style", ["json", "console"])
def test_tracebacks_show_no_local_variables(capsys: pytest.CaptureFixture[str], style: str) -> None:
    configure_logging(style)  # type: ignore[arg-type] # the two literals above
    local_value = "s3" + "cret"
    try:
        int(f"not a number {len(local_value)}")
    except ValueError:
        structlog.get_logger("one").exception("failed")
    output = capsys.readouterr().err
    assert "ValueError" in output
    assert "s3cret" not in output
