"""Why somebody is not let in."""

from fleetwrite.kit.errors import FleetwriteError


class OAuthError(FleetwriteError):
    """A refused token request, in the shape of OAuth (RFC 6749, 5.2).

    Attributes:
        status: the HTTP status of the answer.
        error: the OAuth error code.
        description: what is wrong, for people.
    """

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.status = status
        self.error = error
        self.description = description


class UnauthenticatedError(FleetwriteError):
    """The request carries no valid token."""


class MissingScopeError(FleetwriteError):
    """The token is valid but does not allow this."""


class ClientExistsError(FleetwriteError):
    """A client of this id is there already."""


class UnknownClientError(FleetwriteError):
    """There is no client of this id."""
