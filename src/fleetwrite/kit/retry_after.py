"""The Retry-After header (RFC 9110, section 10.2.3), with the fractions of a second that some servers
send, and the clock of who sent it.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]*)?|\.[0-9]+")  # 12 digits: an absurd number stays a number


def retry_after_s(header: str, now: datetime) -> float | None:
    """Return the seconds to wait from ``now`` (aware), at least 0; None if the header cannot be read."""
    text = header.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    at = _read_date(text)
    return None if at is None else max(0.0, (at - now).total_seconds())


def asked_wait_s(headers: Mapping[str, str]) -> float | None:
    """Return for how long an answer wants to be left alone; None if it has no such header, or one that cannot be
    read.
    """
    header = headers.get("Retry-After")
    return None if header is None else retry_after_s(header, answered_at(headers))


def answered_at(headers: Mapping[str, str]) -> datetime:
    """Return when an answer was given by the clock of who gave it, or by ours where it does not say.

    Instants in the same answer count from there, so that the two clocks need not agree. The header has whole
    seconds, rounded down: a wait that is counted from it is never too short.
    """
    return _read_date(headers.get("Date", "")) or datetime.now(UTC)


def _read_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    # HTTP dates are GMT, also where the zone is written as -0000.
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
