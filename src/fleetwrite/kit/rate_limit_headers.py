"""What an answer says about the limits of who gave it, in the headers that are in use for that.

=============================================== =====================================================
headers                                         reset
=============================================== =====================================================
``X-RateLimit-Limit``, ``-Remaining``,          a custom, and nowhere written down: seconds from now,
``-Reset``                                      an instant in seconds or milliseconds since 1970, or
                                                one in ISO 8601
``RateLimit-Limit``, ``-Remaining``, ``-Reset`` seconds from now (draft-ietf-httpapi-ratelimit-
                                                headers, up to draft 06)
``RateLimit: limit=9, remaining=0, reset=5``    the same (draft 07)
``RateLimit: "name";r=0;t=5`` with              the same (since draft 08); ``w`` is the length of the
``RateLimit-Policy: "name";q=9;w=60``           window, ``qu`` what is counted
``X-Rate-Limit-Limit``, ``-Remaining``,         an instant in ISO 8601, UTC (Geotab)
``-Reset``
=============================================== =====================================================

The limit itself is not read: what a provider allows is in the manifest of its connector.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from multidict import MultiMapping

from fleetwrite.kit.retry_after import answered_at, asked_wait_s

REFUSALS: Final = frozenset({429, 503})
"""Statuses that may mean: not now."""

LONGEST_S: Final = 86_400.0
"""Nobody is left alone for longer than a day: whoever asks for more has made a mistake, or counts by the month, and is
asked once a day."""

_TRIPLES: Final = ("X-RateLimit-", "RateLimit-", "X-Rate-Limit-")

_TOLD_BY: Final = ("RateLimit", *(f"{prefix}{part}" for prefix in _TRIPLES for part in ("Remaining", "Reset")))

_NUMBER: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{0,9})?")

_FIRST_INSTANT: Final = 1e9
"""2001 in seconds since 1970. A smaller number is no instant."""

_FIRST_IN_MS: Final = 1e11
"""1973 in milliseconds since 1970. In seconds it would be the year 5138."""

_FIRST_IN_US: Final = 1e14
"""1973 in microseconds, which nobody documents, or the year 5138 in milliseconds."""

_LONGEST_FIELD: Final = 1000
"""Honest fields have a tenth of that. It bounds the work that a dishonest one can make."""

_MEMBERS: Final = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")+')
_PARTS: Final = re.compile(r'(?:[^";]|"(?:[^"\\]|\\.)*")+')

_CONCURRENCY: Final = '"concurrent-requests"'
"""A quota unit: nothing left of it is what full use looks like, and no call of the next second is refused for it."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of one limit.

    Attributes:
        remaining: so many calls; None: the answer does not say.
        reset_s: seconds until there is more; None: it does not say, or nothing that can be believed.
        window_s: after so many seconds there surely is; None: it does not say.
    """

    remaining: int | None
    reset_s: float | None
    window_s: float | None = None


def spent_s(headers: MultiMapping[str]) -> float | None:
    """Return for how many seconds more calls are of no use, as a limit is spent; None: the answer does not say so."""
    waits = (quota.reset_s for quota in read_quotas(headers) if quota.remaining == 0)
    return max((wait for wait in waits if wait), default=None)


def refused_s(headers: MultiMapping[str]) -> float | None:
    """Return for how many seconds more calls are of no use after a refusal; None: the answer does not say.

    Without ``Retry-After`` it is until the limit that was exceeded is reset: one of which something is left is not.
    """
    asked = asked_wait_s(headers)
    if asked is not None:
        return min(asked, LONGEST_S)
    waits = (quota.reset_s or quota.window_s for quota in read_quotas(headers) if not quota.remaining)
    return max((wait for wait in waits if wait), default=None)


def read_quotas(headers: MultiMapping[str]) -> list[Quota]:
    """Return what an answer says of each limit; what can not be read is left out."""
    if not any(name in headers for name in _TOLD_BY):
        return []
    now = answered_at(headers)
    found = [_quota(headers.get(f"{prefix}Remaining"), headers.get(f"{prefix}Reset"), None, now) for prefix in _TRIPLES]
    members = list(_members(headers, "RateLimit"))
    unnamed = dict(item.split("=", 1) for item, _ in members if "=" in item and not item.startswith('"'))
    found.append(_quota(unnamed.get("remaining"), unnamed.get("reset"), None, now))
    policies = dict(_members(headers, "RateLimit-Policy"))
    for item, parameters in members:
        policy = policies.get(item, {})
        if policy.get("qu") != _CONCURRENCY:
            found.append(_quota(parameters.get("r"), parameters.get("t"), policy.get("w"), now))
    return [quota for quota in found if quota.remaining is not None or quota.reset_s is not None]


def _quota(remaining: str | None, reset: str | None, window: str | None, now: datetime) -> Quota:
    left, window_s = _number(remaining), _number(window)
    return Quota(
        # Less than one whole call is none.
        remaining=None if left is None else int(left),
        reset_s=None if reset is None else _reset_s(reset.strip(), now),
        window_s=None if window_s is None else min(window_s, LONGEST_S),
    )


def _reset_s(text: str, now: datetime) -> float | None:
    """Return the seconds until a reset; None where it is past, or can not be meant."""
    number = _number(text)
    if number is None:
        try:
            at = datetime.fromisoformat(text[:_LONGEST_FIELD])
        except ValueError:
            return None
        return _ahead_s((at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp(), now)
    if number < _FIRST_INSTANT:
        # More than a day from now is more likely another unit than another year: it is left aside.
        return number if 0 < number <= LONGEST_S else None
    if number >= _FIRST_IN_US:
        return None
    return _ahead_s(number if number < _FIRST_IN_MS else number / 1000, now)


def _ahead_s(timestamp: float, now: datetime) -> float | None:
    """Return how far an instant is ahead. One beyond a day is that of a weekly or monthly quota, so it is bounded and
    not left aside: its unit leaves no doubt.
    """
    ahead_s = timestamp - now.timestamp()
    return min(ahead_s, LONGEST_S) if ahead_s > 0 else None


def _number(text: str | None) -> float | None:
    stripped = (text or "").strip()
    return float(stripped) if _NUMBER.fullmatch(stripped) else None


def _members(headers: MultiMapping[str], name: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the members of a list (RFC 9651), each as it is written and with its parameters."""
    field = ",".join(headers.getall(name, ()))
    if len(field) > _LONGEST_FIELD:
        return
    for member in _MEMBERS.findall(field):
        parts = [part.strip() for part in _PARTS.findall(member)]
        if parts:
            pairs = (part.partition("=") for part in parts[1:])
            yield parts[0], {key.strip(): value.strip() for key, _, value in pairs}
