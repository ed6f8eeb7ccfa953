"""Answers of the token endpoint, in the OAuth shapes."""

from msgspec import UNSET, Struct, UnsetType, field


class TokenResponse(Struct, frozen=True, kw_only=True):
    """A granted access token; `expires_in` counts seconds, `scope` separates by blanks."""

    access_token: str
    expires_in: int
    refresh_expires_in: int | UnsetType = UNSET
    refresh_token: str | UnsetType = UNSET
    token_type: str
    session_state: str | UnsetType = UNSET
    not_before_policy: int | UnsetType = field(name="not-before-policy", default=UNSET)
    scope: str | UnsetType = UNSET


class ErrorResponse(Struct, frozen=True, kw_only=True):
    """A refused token request."""

    error: str
    error_description: str | UnsetType = UNSET
