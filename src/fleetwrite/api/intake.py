"""Reads a request: its media type, its body within bounds, its path's ids."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from starlette.types import Receive, Scope

from fleetwrite.api.json_text import excerpt
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.kit.errors import FleetwriteError

LARGEST_BODY: Final = 256 * 1024
"""Bytes of a body where its endpoint says nothing else. The longest honest one of JSON, a group message to thousands,
has about half of that."""

_MOST_DISCARDED: Final = 8 * 1024 * 1024
"""Bytes of an oversized body that are read and thrown away, because common clients look for the answer only when
they have sent everything; what is larger still, and more than twice what would be read, is cut off."""


class ClientGoneError(FleetwriteError):
    """The client hung up before its request was complete; nobody is there to be answered."""


class ContentTooLargeError(FleetwriteError):
    """The body is larger than we read. `was_read` says whether the rest of it was taken off the line."""

    def __init__(self, *, was_read: bool, largest: int = LARGEST_BODY) -> None:
        super().__init__(f"The body is larger than {largest} bytes: send less in one request.")
        self.was_read = was_read


class UnsupportedMediaTypeError(FleetwriteError):
    """The body is not declared as what the endpoint reads."""


class InvalidRequestError(FleetwriteError):
    """The request can be read but is not valid; `details` names every fault."""

    def __init__(self, details: Sequence[ValidationErrorDetail]) -> None:
        super().__init__("; ".join(f"{detail.path}: {detail.message}" for detail in details))
        self.details = details


def check_media_type(headers: Mapping[str, str], expected: str) -> None:
    """Make sure that the body is declared as `expected`, in UTF-8, and not compressed.

    Raises:
        UnsupportedMediaTypeError: it is not.
    """
    media_type, *parameters = (part.strip().lower() for part in headers.get("content-type", "").split(";"))
    # Anything that is not a charset (a boundary, an empty last part) changes nothing about how we read.
    charsets = {
        value.strip().strip('"') for name, _, value in (part.partition("=") for part in parameters) if name == "charset"
    }
    if media_type != expected or not charsets <= {"utf-8", "utf8"}:
        raise UnsupportedMediaTypeError(f"Send the body with `Content-Type: {expected}`, encoded as UTF-8.")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaTypeError("Send the body uncompressed, without `Content-Encoding`.")


async def read_body(headers: Mapping[str, str], receive: Receive, largest: int = LARGEST_BODY) -> bytes:
    """Read the body, unless it is larger than `largest`; never holds more than that.

    Raises:
        ContentTooLargeError: it is, by its declared length or by what came.
        ClientGoneError: the client hung up.
    """
    declared = headers.get("content-length", "0")
    most_discarded = max(_MOST_DISCARDED, 2 * largest)
    if declared.isdecimal() and int(declared) > largest:
        # Who asks first (100-continue) sends nothing more after a refusal.
        waits_for_us = headers.get("expect", "").lower() == "100-continue"
        discard = not waits_for_us and int(declared) <= most_discarded
        raise ContentTooLargeError(was_read=discard and await _discard(receive, most_discarded), largest=largest)
    chunks: list[bytes] = []
    size = 0
    while True:
        chunk, more = await _next_chunk(receive)
        size += len(chunk)
        if size > largest:
            chunks.clear()
            was_read = not more or await _discard(receive, most_discarded)
            raise ContentTooLargeError(was_read=was_read, largest=largest)
        chunks.append(chunk)
        if not more:
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def parse_form(raw: bytes) -> dict[str, str]:
    """Parse a form body.

    Raises:
        ValueError: it is no form in UTF-8, or a name appears twice (which RFC 6749 forbids); the message says which.
    """
    pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=bool(raw), errors="strict")
    form = dict(pairs)
    if len(form) < len(pairs):
        raise ValueError("a parameter appears more than once")
    return form


def read_headers(scope: Scope) -> dict[str, str]:
    """The headers by their names in lower case; several lines of one name are joined by commas (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def read_path(texts: Mapping[str, str]) -> tuple[dict[str, UUID], list[ValidationErrorDetail]]:
    """Read the ids of a path; beside them every fault found."""
    ids: dict[str, UUID] = {}
    faults: list[ValidationErrorDetail] = []
    for name, text in texts.items():
        try:
            ids[name] = msgspec.convert(text, type=UUID)
        except msgspec.ValidationError:
            message = "Must be a UUID such as 018f3c5e-7a51-7c3e-9d59-0a1b2c3d4e5f."
            faults.append(
                ValidationErrorDetail(
                    path=f"path.{name}", input=excerpt(text), message=message, error_type=ErrorType.FORMAT
                )
            )
    return ids, faults


async def _next_chunk(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGoneError("The client hung up before its request was complete.")
    return message.get("body", b""), message.get("more_body", False)


async def _discard(receive: Receive, most: int) -> bool:
    """Take the rest of a body off the line; say whether that was all of it."""
    size, more = 0, True
    while more and size <= most:
        chunk, more = await _next_chunk(receive)
        size += len(chunk)
    return not more
