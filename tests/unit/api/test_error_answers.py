from uuid import UUID

import msgspec
import pytest

from fleetwrite.access.errors import MissingScopeError, OAuthError, UnauthenticatedError
from fleetwrite.api.error_answers import BODIES, MethodNotAllowedError, RouteNotFoundError, answer_to
from fleetwrite.api.intake import ContentTooLargeError, InvalidRequestError, UnsupportedMediaTypeError
from fleetwrite.api.json_text import MalformedJsonError
from fleetwrite.connections.errors import ConnectionNotFoundError
from fleetwrite.connectors.sdk.write import UnofferedWriteError
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.dispatch.errors import OrderConflictError, UnknownScopeError
from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.kit.keyset import BadCursorError
from fleetwrite.operations.errors import BacklogFullError, ReferenceUsedError, SecretNotReadyError
from fleetwrite.records.errors import InvalidImportError, InvalidRecordQueryError, RecordsMetMeanwhileError
from fleetwrite.webhooks.errors import DuplicateSubscriptionError, SubscriptionNotFoundError

DETAIL = ValidationErrorDetail(path="body.vin", input="1", message="Must be a string.", error_type=ErrorType.TYPE)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MalformedJsonError("no JSON"), 400),
        (UnauthenticatedError("no token"), 401),
        (MissingScopeError("no scope"), 403),
        (RouteNotFoundError("no path"), 404),
        (ConnectionNotFoundError(UUID(int=1)), 404),
        (SubscriptionNotFoundError("no webhook"), 404),
        (MethodNotAllowedError(["GET"]), 405),
        (OrderConflictError("behind another"), 409),
        (ReferenceUsedError("used"), 409),
        (SecretNotReadyError("pending"), 409),
        (DuplicateSubscriptionError("twice"), 409),
        (ContentTooLargeError(was_read=True), 413),
        (UnsupportedMediaTypeError("no JSON"), 415),
        (InvalidRequestError([DETAIL]), 422),
        (RecordsMetMeanwhileError("again"), 409),
        (InvalidImportError([DETAIL]), 422),
        (InvalidRecordQueryError([DETAIL]), 422),
        (BadCursorError(), 422),
        (UnknownScopeError("no scope"), 422),
        (UnofferedWriteError("not offered"), 501),
    ],
)
def test_each_error_has_its_status_and_the_contracts_body(error: Exception, status: int) -> None:
    answer = answer_to(error)

    assert answer is not None
    assert answer.status == status
    assert type(answer.content) is BODIES[status]
    body = msgspec.to_builtins(answer.content)
    assert body["code"] == status
    assert body["detail"]


def test_a_full_backlog_says_how_long_to_wait() -> None:
    answer = answer_to(BacklogFullError("Too much is waiting.", retry_after_s=17))

    assert answer is not None
    assert answer.headers == (("Retry-After", "17"),)
    assert msgspec.to_builtins(answer.content) == {
        "code": 429,
        "message": "Too Many Requests",
        "detail": {"retry_after_seconds": 17, "message": "Too much is waiting."},
    }


def test_an_oauth_error_keeps_its_own_shape() -> None:
    answer = answer_to(OAuthError(400, "invalid_scope", "The client may not have that."))

    assert answer is not None
    assert msgspec.to_builtins(answer.content) == {
        "error": "invalid_scope",
        "error_description": "The client may not have that.",
    }


def test_a_subclass_is_answered_as_what_it_descends_from() -> None:
    class SpecialConflictError(OrderConflictError):
        pass

    answer = answer_to(SpecialConflictError("behind another"))

    assert answer is not None
    assert answer.status == 409


@pytest.mark.parametrize("error", [ValueError("no"), FleetwriteError("nobody foresaw this")])
def test_what_nobody_foresaw_has_no_answer(error: Exception) -> None:
    assert answer_to(error) is None


def test_a_connection_with_an_unread_body_is_not_used_again() -> None:
    unread, read = answer_to(ContentTooLargeError(was_read=False)), answer_to(ContentTooLargeError(was_read=True))

    assert unread is not None
    assert unread.headers == (("Connection", "close"),)
    assert read is not None
    assert read.headers == ()
