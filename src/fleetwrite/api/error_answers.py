"""Which answer each error gets: one table from exception classes to the contract's error bodies."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import Struct

from fleetwrite.access.errors import (
    ClientExistsError,
    MissingScopeError,
    OAuthError,
    RequestLimitError,
    UnauthenticatedError,
)
from fleetwrite.api.decoding import InvalidBodyError, MalformedJsonError
from fleetwrite.api.endpoint import Answer
from fleetwrite.api.intake import (
    ContentTooLargeError,
    InvalidRequestError,
    UnsupportedMediaTypeError,
)
from fleetwrite.connections.errors import (
    BadConnectionFieldsError,
    ConnectionDrainingError,
    ConnectionNotFoundError,
    FieldFault,
    LoginNotAcceptedError,
    LoginNotCheckedError,
    NotSharedError,
    OtherAccountError,
    UnknownFleetError,
)
from fleetwrite.connectors.sdk.write import UnofferedWriteError
from fleetwrite.contract import errors
from fleetwrite.contract.auth import ErrorResponse
from fleetwrite.contract.errors import ErrorType, RetryAfterDetail, ValidationErrorDetail
from fleetwrite.dispatch.errors import OrderConflictError, UnknownScopeError
from fleetwrite.fleet_data.errors import NotErasedError, UnknownFleetIdError
from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.kit.keyset import BadCursorError
from fleetwrite.operations.errors import (
    BacklogFullError,
    IdempotencyKeyBusyError,
    IdempotencyKeyReusedError,
    IdempotencyKeyTakenError,
    InvalidWriteError,
    MayBeWrittenError,
    NewerWriteError,
    OperationNotFoundError,
    OperationStateError,
    ReferenceUsedError,
    SecretNotFoundError,
    SecretNotReadyError,
    WouldExpireError,
)
from fleetwrite.orgs.errors import (
    AgreementNotFoundError,
    AgreementStateError,
    BadSlugError,
    FleetNotFoundError,
    InvalidOrgError,
    InvitationNotFoundError,
    InvitationStateError,
    OperatorOnlyError,
    PartnerExistsError,
    PartnerNotFoundError,
    PropertyExistsError,
    PropertyNotFoundError,
    WideningError,
)
from fleetwrite.records.errors import (
    DuplicateScheduleError,
    InvalidImportError,
    InvalidRecordQueryError,
    RecordNotFoundError,
    RecordNotSharedError,
    RecordsMetMeanwhileError,
    ScheduleNotFoundError,
    UnlistedResourceError,
)
from fleetwrite.webhooks.errors import (
    DuplicateSubscriptionError,
    InvalidReplayError,
    InvalidSubscriptionError,
    ReceiverBusyError,
    SubscriptionNotFoundError,
    TooManyStreamsError,
    UnknownEventError,
)


class RouteNotFoundError(FleetwriteError):
    """No endpoint has this path."""


class TspNotFoundError(FleetwriteError):
    """No connector that is installed serves this provider."""


class EventSchemaNotFoundError(FleetwriteError):
    """No event of that name is fired here, or its schema never had that version."""


class MethodNotAllowedError(FleetwriteError):
    """The path has endpoints, none of them with this method; `allowed` are theirs."""

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(f"This path takes {', '.join(allowed)}.")
        self.allowed = allowed


INTERNAL_ERROR: Final = Answer(status=500, content=errors.InternalServerError())

BODIES: Final[Mapping[int, type[Struct]]] = MappingProxyType(
    {
        400: errors.BadRequest,
        401: errors.Unauthorized,
        403: errors.Forbidden,
        404: errors.NotFound,
        405: errors.MethodNotAllowed,
        409: errors.Conflict,
        413: errors.ContentTooLarge,
        415: errors.UnsupportedMediaType,
        422: errors.UnprocessableEntity,
        429: errors.TooManyRequests,
        500: errors.InternalServerError,
        501: errors.NotImplementedResponse,
        502: errors.BadGateway,
    }
)
"""The body of each error status."""


def answer_to(error: Exception) -> Answer | None:
    """The answer to `error`; None where nobody foresaw it, which is a defect of ours (500)."""
    for kind in type(error).__mro__:
        render = _ANSWERS.get(kind)
        if render is not None:
            return render(error)
    return None


def _plain(status: int, *headers: tuple[str, str]) -> Callable[[Any], Answer]:
    body = BODIES[status]
    return lambda error: Answer(status=status, content=body(detail=str(error)), headers=headers)


def _invalid(details: Sequence[ValidationErrorDetail]) -> Answer:
    return Answer(status=422, content=errors.UnprocessableEntity(detail=list(details)))


def _one_fault(path: str, error_type: ErrorType) -> Callable[[Any], Answer]:
    """For errors that concern one field, whose text already says what is wrong with what was sent."""
    return lambda error: _invalid(
        [ValidationErrorDetail(path=path, input="", message=str(error), error_type=error_type)]
    )


def _bad_fields(error: BadConnectionFieldsError) -> Answer:
    return _invalid([_bad_field(fault) for fault in error.faults])


def _bad_field(fault: FieldFault) -> ValidationErrorDetail:
    # What was sent may be a secret, and is not repeated.
    group, _, name = fault.field.partition(".")
    is_setting = group == "settings"
    return ValidationErrorDetail(
        path="query.settings" if is_setting else f"body.{fault.field}",
        input="" if fault.error_type is ErrorType.MISSING else "*****",
        message=f"`{name}` {fault.message}" if is_setting else fault.message,
        error_type=fault.error_type,
    )


def _wait_first(
    error: BacklogFullError | WouldExpireError | ReceiverBusyError | TooManyStreamsError | RequestLimitError,
) -> Answer:
    seconds = error.retry_after_s
    body = errors.TooManyRequests(detail=RetryAfterDetail(retry_after_seconds=seconds, message=str(error)))
    return Answer(status=429, content=body, headers=(("Retry-After", str(seconds)),))


def _too_fast(error: RequestLimitError) -> Answer:
    answer = _wait_first(error)
    # As draft-ietf-httpapi-ratelimit-headers has it: q requests in w seconds; r are left for the next t seconds.
    quota = max(1, int(error.per_second))
    window = max(1, math.ceil(1 / error.per_second))
    limits = (
        ("RateLimit-Policy", f'"partner";q={quota};w={window}'),
        ("RateLimit", f'"partner";r=0;t={error.retry_after_s}'),
    )
    return msgspec.structs.replace(answer, headers=(*answer.headers, *limits))


def _oauth(error: OAuthError) -> Answer:
    body = ErrorResponse(error=error.error, error_description=error.description)
    challenge = (("WWW-Authenticate", 'Basic realm="fleetwrite"'),) if error.status == 401 else ()
    wait = () if error.retry_after_s is None else (("Retry-After", str(error.retry_after_s)),)
    return Answer(status=error.status, content=body, headers=(("Cache-Control", "no-store"), *challenge, *wait))


def _too_large(error: ContentTooLargeError) -> Answer:
    # What is left of the body would be taken for the next request, or swallowed without end.
    hang_up = () if error.was_read else (("Connection", "close"),)
    return Answer(status=413, content=errors.ContentTooLarge(detail=str(error)), headers=hang_up)


_ANSWERS: Final[Mapping[type, Callable[[Any], Answer]]] = MappingProxyType(
    {
        MalformedJsonError: _plain(400),
        UnauthenticatedError: _plain(401, ("WWW-Authenticate", 'Bearer realm="fleetwrite"')),
        OAuthError: _oauth,
        MissingScopeError: _plain(403),
        NotSharedError: _plain(403),
        RecordNotSharedError: _plain(403),
        WideningError: _plain(403),
        OperatorOnlyError: _plain(403),
        RouteNotFoundError: _plain(404),
        TspNotFoundError: _plain(404),
        EventSchemaNotFoundError: _plain(404),
        ConnectionNotFoundError: _plain(404),
        UnknownFleetError: _plain(404),
        RecordNotFoundError: _plain(404),
        OperationNotFoundError: _plain(404),
        SecretNotFoundError: _plain(404),
        SubscriptionNotFoundError: _plain(404),
        ScheduleNotFoundError: _plain(404),
        InvitationNotFoundError: _plain(404),
        AgreementNotFoundError: _plain(404),
        FleetNotFoundError: _plain(404),
        PartnerNotFoundError: _plain(404),
        UnknownFleetIdError: _plain(404),
        NotErasedError: _plain(404),
        PropertyNotFoundError: _plain(404),
        MethodNotAllowedError: lambda error: Answer(
            status=405,
            content=errors.MethodNotAllowed(detail=str(error)),
            headers=(("Allow", ", ".join(error.allowed)),),
        ),
        OrderConflictError: _plain(409),
        IdempotencyKeyTakenError: _plain(409, ("Retry-After", "1")),
        IdempotencyKeyBusyError: lambda error: _plain(409, ("Retry-After", str(error.retry_after_s)))(error),
        IdempotencyKeyReusedError: _one_fault("header.Idempotency-Key", ErrorType.FORMAT),
        ReferenceUsedError: _plain(409),
        SecretNotReadyError: _plain(409),
        OperationStateError: _plain(409),
        NewerWriteError: _plain(409),
        MayBeWrittenError: _plain(409),
        ConnectionDrainingError: _plain(409),
        OtherAccountError: _plain(409),
        DuplicateSubscriptionError: _plain(409),
        DuplicateScheduleError: _plain(409),
        RecordsMetMeanwhileError: _plain(409, ("Retry-After", "1")),
        InvitationStateError: _plain(409),
        AgreementStateError: _plain(409),
        PartnerExistsError: _plain(409),
        PropertyExistsError: _plain(409),
        ClientExistsError: _plain(409),
        ContentTooLargeError: _too_large,
        UnsupportedMediaTypeError: _plain(415),
        InvalidRequestError: lambda error: _invalid(error.details),
        InvalidBodyError: lambda error: _invalid(error.details),
        InvalidWriteError: lambda error: _invalid(error.details),
        InvalidSubscriptionError: lambda error: _invalid(error.details),
        InvalidReplayError: lambda error: _invalid(error.details),
        InvalidRecordQueryError: lambda error: _invalid(error.details),
        InvalidImportError: lambda error: _invalid(error.details),
        InvalidOrgError: lambda error: _invalid(error.details),
        BadSlugError: _one_fault("body.slug", ErrorType.FORMAT),
        BadCursorError: _one_fault("query.cursor", ErrorType.FORMAT),
        UnknownEventError: _one_fault("header.Last-Event-ID", ErrorType.UNKNOWN_ID),
        BadConnectionFieldsError: _bad_fields,
        LoginNotAcceptedError: _one_fault("body.credentials", ErrorType.RANGE),
        UnlistedResourceError: _one_fault("body.resource", ErrorType.ENUM),
        UnknownScopeError: _one_fault("body.budgets", ErrorType.ENUM),
        BacklogFullError: _wait_first,
        WouldExpireError: _wait_first,
        ReceiverBusyError: _wait_first,
        TooManyStreamsError: _wait_first,
        RequestLimitError: _too_fast,
        UnofferedWriteError: _plain(501),
        LoginNotCheckedError: _plain(502),
    }
)
