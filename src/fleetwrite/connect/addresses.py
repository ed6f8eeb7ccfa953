"""Addresses that browsers are sent to: what may stand in a policy, and what a partner is told by the query."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

_AUTHORITY: Final = re.compile(r"[A-Za-z0-9.\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


def origin_of(address: str | None) -> str | None:
    """The origin of an http or https address, fit to stand in a Content-Security-Policy; None: it has none such.

    A policy is cut at blanks and semicolons, which a host's name as a parser reads it may hold.
    """
    if address is None:
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not _AUTHORITY.fullmatch(parts.netloc):
        return None
    return f"{parts.scheme}://{parts.netloc}"


def with_query(address: str, told: Mapping[str, str]) -> str:
    """`address` with `told` in its query, in place of what it had by these names."""
    parts = urlsplit(address)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in told]
    return parts._replace(query=urlencode([*kept, *told.items()])).geturl()
