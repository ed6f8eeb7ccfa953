"""Endpoints of the realm: tokens, and what others need to verify them."""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import unquote_plus

from msgspec import Meta, Struct

from fleetwrite.access.errors import OAuthError
from fleetwrite.access.keyring import ALGORITHM
from fleetwrite.api.endpoint import FORM, Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.intake import parse_form
from fleetwrite.bootstrap import REALM_PATH, Services
from fleetwrite.contract.auth import ErrorResponse, TokenResponse

TOKEN_PATH: Final = f"{REALM_PATH}/protocol/openid-connect/token"
REVOKE_PATH: Final = f"{REALM_PATH}/protocol/openid-connect/revoke"
KEYS_PATH: Final = f"{REALM_PATH}/protocol/openid-connect/certs"
DISCOVERY_PATH: Final = f"{REALM_PATH}/.well-known/openid-configuration"

_UNSTORED: Final = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
"""RFC 6749, 5.1: an answer with a token must not be kept by anything on its way."""


class TokenRequest(Struct, frozen=True, kw_only=True):
    """Form of a token request. Client id and secret may come by HTTP Basic authentication instead."""

    grant_type: Literal["client_credentials"]
    client_id: str | None = None
    client_secret: Annotated[str, Meta(extra_json_schema={"format": "password"})] | None = None
    scope: str | None = None


class RevokeRequest(Struct, frozen=True, kw_only=True):
    """Form of a revocation. Client id and secret may come by HTTP Basic authentication instead."""

    token: str
    client_id: str | None = None
    client_secret: Annotated[str, Meta(extra_json_schema={"format": "password"})] | None = None


class KeySet(Struct, frozen=True, kw_only=True):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, Any]]


class Discovery(Struct, frozen=True, kw_only=True):
    """What OpenID Connect discovery tells of this realm; it only knows machines, hence no sign-in page."""

    issuer: str
    token_endpoint: str
    revocation_endpoint: str
    jwks_uri: str
    grant_types_supported: tuple[str, ...]
    response_types_supported: tuple[str, ...]
    subject_types_supported: tuple[str, ...]
    token_endpoint_auth_methods_supported: tuple[str, ...]
    id_token_signing_alg_values_supported: tuple[str, ...]


async def issue_token(services: Services, request: ApiRequest) -> Answer:
    """Give a client a token."""
    form = _form(request.body)
    client_id, client_secret = _client(request.headers.get("authorization"), form)
    token = await services.tokens.issue(
        client_id=client_id,
        client_secret=client_secret,
        grant_type=form.get("grant_type"),
        scope=form.get("scope"),
        caller=request.actor,
    )
    return Answer(content=token, headers=_UNSTORED)


async def revoke_token(services: Services, request: ApiRequest) -> Answer:
    """Call a client's token back."""
    form = _form(request.body)
    client_id, client_secret = _client(request.headers.get("authorization"), form)
    await services.tokens.revoke(
        client_id=client_id, client_secret=client_secret, token=form.get("token"), caller=request.actor
    )
    return Answer(headers=_UNSTORED)


async def get_keys(services: Services, _request: ApiRequest) -> Answer:
    """The public keys."""
    return Answer(content=await services.tokens.jwks())


async def discover(services: Services, _request: ApiRequest) -> Answer:
    """Where everything is."""
    base = services.issuer.removesuffix(REALM_PATH)
    return Answer(
        content=Discovery(
            issuer=services.issuer,
            token_endpoint=base + TOKEN_PATH,
            revocation_endpoint=base + REVOKE_PATH,
            jwks_uri=base + KEYS_PATH,
            grant_types_supported=("client_credentials",),
            response_types_supported=("none",),
            subject_types_supported=("public",),
            token_endpoint_auth_methods_supported=("client_secret_post", "client_secret_basic"),
            id_token_signing_alg_values_supported=(ALGORITHM,),
        )
    )


def _form(raw: bytes) -> dict[str, str]:
    try:
        return parse_form(raw)
    except ValueError as error:
        raise OAuthError(400, "invalid_request", f"The form cannot be read: {error}.") from error


def _client(authorization: str | None, form: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Client id and secret, from the header or from the form but not from both (RFC 6749, 2.3)."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id"), form.get("client_secret")
    if "client_secret" in form:
        raise OAuthError(400, "invalid_request", "Send the client's secret in the header or in the form, not in both.")
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if not colon:
        raise OAuthError(401, "invalid_client", "The Authorization header is no HTTP Basic authentication.")
    # Both were form-encoded before they were joined (RFC 6749, 2.3.1).
    return unquote_plus(client_id), unquote_plus(secret)


_NOT_PROVEN: Final = AnswerShape(
    description="The client is unknown or its secret wrong; or too many attempts failed, and it has to wait.",
    content=ErrorResponse,
    headers=("WWW-Authenticate", "Retry-After"),
)

AUTHENTICATION: Final = (
    Endpoint(
        method="POST",
        path=TOKEN_PATH,
        operation_id="get_token",
        summary="Get a token",
        description="The OAuth client credentials grant. A token is good for an hour; then ask for another.",
        tag=Tag.AUTHENTICATION,
        handler=issue_token,
        serves_strangers=True,
        body=TokenRequest,
        media_type=FORM,
        answers={
            200: AnswerShape(description="A token.", content=TokenResponse, headers=("Cache-Control",)),
            400: AnswerShape(description="The request is not one for a token we give.", content=ErrorResponse),
            401: _NOT_PROVEN,
        },
    ),
    Endpoint(
        method="POST",
        path=REVOKE_PATH,
        operation_id="revoke_token",
        summary="Revoke a token",
        description="For the client that the token was given to. It is refused from now on, by all processes within a "
        "second. A text that is no token of ours is answered alike (RFC 7009).",
        tag=Tag.AUTHENTICATION,
        handler=revoke_token,
        serves_strangers=True,
        body=RevokeRequest,
        media_type=FORM,
        answers={
            200: AnswerShape(description="The token is good for nothing.", headers=("Cache-Control",)),
            400: AnswerShape(description="There is no token, or it is another client's.", content=ErrorResponse),
            401: _NOT_PROVEN,
        },
    ),
    Endpoint(
        method="GET",
        path=KEYS_PATH,
        operation_id="get_signing_keys",
        summary="Get the keys that verify tokens",
        tag=Tag.AUTHENTICATION,
        handler=get_keys,
        serves_strangers=True,
        answers={200: AnswerShape(description="A JSON Web Key Set.", content=KeySet)},
    ),
    Endpoint(
        method="GET",
        path=DISCOVERY_PATH,
        operation_id="get_openid_configuration",
        summary="Get the addresses of the token endpoints",
        tag=Tag.AUTHENTICATION,
        handler=discover,
        answers={200: AnswerShape(description="The realm's configuration.", content=Discovery)},
    ),
)
