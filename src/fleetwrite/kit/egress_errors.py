"""Why a call out brought no answer: surely not sent, or perhaps."""

from fleetwrite.kit.errors import FleetwriteError


class EgressError(FleetwriteError):
    """A call out did not bring an answer."""


class NotSentError(EgressError):
    """Surely nothing of the request reached the other side: it may be repeated."""


class ForbiddenUrlError(NotSentError):
    """The policy does not allow this address; the message says what is wrong with it."""


class AnswerLostError(EgressError):
    """The request may have reached the other side, and no whole answer came back: look before repeating
    it.
    """


class AnswerTooLargeError(AnswerLostError):
    """An answer came, and is larger than what is taken of it: where it is to a read, the same would come again."""
