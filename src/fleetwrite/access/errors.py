"""Why somebody is not let in."""

from fleetwrite.kit.errors import FleetwriteError


class OAuthError(FleetwriteError):
    """A refused token request, in the shape of OAuth (RFC 6749, 5.2).

    Attributes:
        status: the HTTP status of the answer.
        error: the OAuth error code.
        description: what is wrong, for people.
        retry_after_s: how long to wait before it makes sense to try again; None: it never will.
    """

    def __init__(self, status: int, error: str, description: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(f"{error}: {description}")
        self.retry_after_s = retry_after_s
        self.status = status
        self.error = error
        self.description = description


class UnauthenticatedError(FleetwriteError):
    """The request carries no valid token."""


class RequestLimitError(FleetwriteError):
    """A partner makes more requests than it may.

    Attributes:
        per_second: how many it may make.
        retry_after_s: in how many seconds the next one is let through.
    """

    def __init__(self, *, per_second: float, retry_after_s: int) -> None:
        super().__init__(
            f"You may make {per_second:g} requests a second: spread them, or ask the operator for a higher limit."
        )
        self.per_second = per_second
        self.retry_after_s = retry_after_s


class MissingScopeError(FleetwriteError):
    """The token is valid but does not allow this."""


class ClientExistsError(FleetwriteError):
    """A client of this id is there already."""


class UnknownClientError(FleetwriteError):
    """There is no client of this id."""


class UnknownPartnerError(FleetwriteError):
    """There is no partner of this slug."""
