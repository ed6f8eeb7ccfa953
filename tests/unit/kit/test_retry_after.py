from datetime import UTC, datetime

import pytest

from fleetwrite.kit.retry_after import retry_after_s

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("30", 30.0),
        (" 7 ", 7.0),
        ("0.25", 0.25),
        (".5", 0.5),
        ("1.", 1.0),
        ("Sun, 01 Mar 2026 12:00:45 GMT", 45.0),
        ("Sunday, 01-Mar-26 12:00:45 GMT", 45.0),
        ("Sun Mar  1 12:00:45 2026", 45.0),
        ("Sun, 01 Mar 2026 13:00:45 +0100", 45.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
    ],
)
def test_a_wait_is_read(header: str, seconds: float) -> None:
    assert retry_after_s(header, NOW) == seconds


@pytest.mark.parametrize("header", ["", "soon", "-1", "1,5", "1e3", "NaN", "inf", "Sun, 99 Mar 2026 12:00:45 GMT", "٣"])
def test_nonsense_is_none(header: str) -> None:
    assert retry_after_s(header, NOW) is None
