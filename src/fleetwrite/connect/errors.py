"""What can go wrong on the connect page, as the person in front of it is told."""

from fleetwrite.kit.errors import FleetwriteError


class PageNotFoundError(FleetwriteError):
    """There is no such page, or it is none of this visitor's business."""


class FormRejectedError(FleetwriteError):
    """A form came from elsewhere than from a page that was shown to this browser, or can not be read."""


class VisitEndedError(FleetwriteError):
    """This browser may not, or no longer, act for a fleet."""


class ConsentLostError(FleetwriteError):
    """What a provider sent back does not belong to this browser, was used before, or came too late."""


class ConsentRefusedError(FleetwriteError):
    """Nobody consented on the provider's page, or the provider refused to ask."""


class LinkSpentError(FleetwriteError):
    """A link by mail was used, is too old, or was never sent."""


class MailNotSentError(FleetwriteError):
    """The mail server did not take a mail."""
