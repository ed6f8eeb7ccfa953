"""What of a subscription is shown after it was created."""

from typing import Final
from urllib.parse import urlsplit

MASK: Final = "*****"


def mask_url(url: str) -> str:
    """`url` without what may be a secret in it: login, last path segment, query and fragment."""
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    segments = parts.path.split("/")
    for place in reversed(range(len(segments))):
        if segments[place]:
            segments[place] = MASK
            break
    return parts._replace(
        netloc=f"{MASK}@{host}" if at and login else host,
        path="/".join(segments),
        query=MASK if parts.query else "",
        fragment=MASK if parts.fragment else "",
    ).geturl()
