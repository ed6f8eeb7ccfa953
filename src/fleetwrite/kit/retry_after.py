"""The Retry-After header (RFC 9110, section 10.2.3), with the fractions of a second that some servers
send.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]*)?|\.[0-9]+")  # 12 digits: an absurd number stays a number


def retry_after_s(header: str, now: datetime) -> float | None:
    """Return the seconds to wait from ``now`` (aware), at least 0; None if the header cannot be read."""
    text = header.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:  # HTTP dates are GMT, also where the zone is written as -0000
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
