"""What a person is told when a page can not be shown: one table from errors to words."""

from collections.abc import Mapping
from typing import Final

import msgspec

from fleetwrite.api.intake import ContentTooLargeError
from fleetwrite.connect.errors import (
    ConsentLostError,
    FormRejectedError,
    LinkSpentError,
    PageNotFoundError,
    VisitEndedError,
)
from fleetwrite.connect.page import Page
from fleetwrite.connections.errors import ConnectionNotFoundError
from fleetwrite.connectors.sdk.registry import UnknownTspError
from fleetwrite.kit.keyset import BadCursorError
from fleetwrite.orgs.errors import (
    AgreementNotFoundError,
    AgreementStateError,
    ConnectTokenError,
    InvalidOrgError,
    InvitationNotFoundError,
    InvitationStateError,
    WideningError,
)


class Problem(msgspec.Struct, frozen=True):
    """A status, what happened, and what to do now."""

    status: int
    title: str
    remedy: str


_ASK_AGAIN: Final = "Ask the company that invited you to send the invitation again."

_NOTHING_HERE: Final = Problem(
    404, "There is nothing here", "Check that you have the whole link, or have it sent again."
)
_USED_UP: Final = Problem(
    409, "This invitation can not be used any more", f"It was answered before, or its time is over. {_ASK_AGAIN}"
)

PROBLEMS: Final[Mapping[type[Exception], Problem]] = {
    PageNotFoundError: _NOTHING_HERE,
    BadCursorError: _NOTHING_HERE,
    UnknownTspError: _NOTHING_HERE,
    ConnectionNotFoundError: _NOTHING_HERE,
    InvitationNotFoundError: Problem(404, "There is no such invitation", _ASK_AGAIN),
    InvitationStateError: _USED_UP,
    ConnectTokenError: _USED_UP,
    AgreementNotFoundError: _NOTHING_HERE,
    AgreementStateError: Problem(409, "This sharing has ended", _ASK_AGAIN),
    WideningError: Problem(
        409, "This can not be resumed here", "Whoever runs this service has paused it. Please ask them."
    ),
    FormRejectedError: Problem(
        403,
        "This form could not be accepted",
        "It did not come from the page that this browser was shown, or was open for too long. Nothing was changed: go "
        "back, load the page anew and try again. Cookies have to be allowed for this site.",
    ),
    InvalidOrgError: Problem(422, "This could not be accepted", "Go back, shorten what you entered and try again."),
    ContentTooLargeError: Problem(413, "That was too much text", "Go back and shorten what you entered."),
    VisitEndedError: Problem(
        403,
        "Your visit is over",
        "For your safety this page closes after an hour. Open the link from your invitation, or have a new link sent "
        "to you by mail.",
    ),
    ConsentLostError: Problem(
        400,
        "This answer does not belong to your visit",
        "It was used before, came too late, or was meant for another browser. Nothing was connected: choose your "
        "provider again.",
    ),
    LinkSpentError: Problem(
        410, "This link can not be used any more", "It was used before, or is too old. Have a new one sent to you."
    ),
}

UNFORESEEN: Final = Problem(
    500, "Something went wrong on our side", "Nothing is lost. Please try again in a few minutes."
)


def page_of(problem: Problem) -> Page:
    """The page that shows a problem."""
    return Page(template="problem.html", status=problem.status, values={"problem": problem})
