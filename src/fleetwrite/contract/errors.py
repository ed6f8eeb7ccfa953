"""Error bodies. Their constants are the contract's; 413 and 415, which it lacks, follow the same shape."""

import enum

from msgspec import Struct


class ErrorType(enum.StrEnum):
    """The words of `ValidationErrorDetail.error_type`; the contract leaves them open."""

    MISSING = "missing"
    TYPE = "type"
    ENUM = "enum"
    FORMAT = "format"
    RANGE = "range"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_ID = "unknown_id"
    WRONG_KIND = "wrong_kind"
    REQUIRED_BY_TSP = "required_by_tsp"
    LOSS = "loss"
    CONFLICT = "conflict"


class ValidationErrorDetail(Struct, frozen=True, kw_only=True):
    """One fault of a request: where (`body.recipient_ids.0`, `query.size`), what came, what would be right.

    `input` is the offending text itself, or the JSON text of anything else; empty where something is missing.
    """

    path: str
    input: str
    message: str
    error_type: ErrorType


class RetryAfterDetail(Struct, frozen=True, kw_only=True):
    """How long to wait before trying again."""

    retry_after_seconds: int
    message: str


class BadRequest(Struct, frozen=True, kw_only=True):
    """400: the request cannot be read."""

    code: int = 400
    message: str = "Bad Request"
    detail: str | None = None


class Unauthorized(Struct, frozen=True, kw_only=True):
    """401: no valid token."""

    code: int = 401
    message: str = "Unauthorized"
    detail: str | None = None


class Forbidden(Struct, frozen=True, kw_only=True):
    """403: the token lacks the scope, or the partner the share."""

    code: int = 403
    message: str = "Forbidden"
    detail: str | None = None


class NotFound(Struct, frozen=True, kw_only=True):
    """404: unknown, or somebody else's."""

    code: int = 404
    message: str = "Not Found"
    detail: str | None = None


class MethodNotAllowed(Struct, frozen=True, kw_only=True):
    """405: the path exists, the method does not."""

    code: int = 405
    message: str = "Method Not Allowed"
    detail: str | None = None


class Conflict(Struct, frozen=True, kw_only=True):
    """409: the request contradicts the present state."""

    code: int = 409
    message: str = "Conflict"
    detail: str | None = None


class ContentTooLarge(Struct, frozen=True, kw_only=True):
    """413: the body is larger than we read. Ours; the contract names no such answer."""

    code: int = 413
    message: str = "Content Too Large"
    detail: str | None = None


class UnsupportedMediaType(Struct, frozen=True, kw_only=True):
    """415: the body is not declared as JSON. Ours; the contract names no such answer."""

    code: int = 415
    message: str = "Unsupported Media Type"
    detail: str | None = None


class UnprocessableEntity(Struct, frozen=True, kw_only=True):
    """422: the request can be read but is not valid; all its faults at once."""

    code: int = 422
    message: str = "Invalid Request Body"
    detail: list[ValidationErrorDetail] | None = None


class TooManyRequests(Struct, frozen=True, kw_only=True):
    """429: wait first."""

    code: int = 429
    message: str = "Too Many Requests"
    detail: RetryAfterDetail | None = None


class InternalServerError(Struct, frozen=True, kw_only=True):
    """500: our fault. This body alone has neither code nor detail."""

    message: str = "Internal Server Error"


class NotImplementedResponse(Struct, frozen=True, kw_only=True):
    """501: the TSP does not offer this write."""

    code: int = 501
    message: str = "Not Implemented"
    detail: str | None = None


class BadGateway(Struct, frozen=True, kw_only=True):
    """502: the TSP can not be asked now. Ours; the contract declares 502 for sync writes only."""

    code: int = 502
    message: str = "Bad Gateway"
    detail: str | None = None


class GatewayTimeout(Struct, frozen=True, kw_only=True):
    """504: declared by the integrations API only."""

    code: int = 504
    message: str = "Gateway Timeout"
    detail: str | None = None
