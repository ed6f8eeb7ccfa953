import asyncio
import base64
import hmac
import json
from typing import Any

import jwt
import pytest

from administrating import administrate
from fleetwrite.access.errors import (
    ClientExistsError,
    MissingScopeError,
    OAuthError,
    UnauthenticatedError,
    UnknownClientError,
)
from fleetwrite.access.hashing import SecretHasher
from fleetwrite.access.models import NewClient
from fleetwrite.access.scopes import PARTNER_SCOPES, Scope
from fleetwrite.access.service import ClientService, TokenService
from fleetwrite.kit.database import Database
from fleetwrite.orgs.models import Partner
from fleetwrite.orgs.service import OrgService
from fleetwrite.vault.errors import SealBrokenError
from fleetwrite.vault.keys import MasterKey
from fleetwrite.vault.service import Vault

ISSUER = "http://127.0.0.1/realms/catena"
KEY = MasterKey(b"k" * 32)


@pytest.fixture
def tokens(database: Database, hasher: SecretHasher) -> TokenService:
    return another_process(database, hasher)


def another_process(database: Database, hasher: SecretHasher, issuer: str = ISSUER) -> TokenService:
    return TokenService(database, Vault(KEY), hasher, issuer=issuer)


@pytest.fixture
def clients(database: Database, hasher: SecretHasher) -> ClientService:
    return ClientService(database, hasher)


@pytest.fixture
async def partner(database: Database) -> Partner:
    return await OrgService(database).ensure_partner("Acme", "acme")


@pytest.fixture
async def client(clients: ClientService, partner: Partner) -> NewClient:
    return await clients.create(partner.id, client_id="acme-tms")


async def token_of(tokens: TokenService, client: NewClient, scope: str | None = "organization") -> str:
    answer = await tokens.issue(
        client_id=client.client_id,
        client_secret=client.client_secret,
        grant_type="client_credentials",
        scope=scope,
    )
    return answer.access_token


def forged(token: str, **changes: Any) -> str:
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed = base64.urlsafe_b64encode(json.dumps(claims | changes).encode()).rstrip(b"=").decode()
    return f"{head}.{changed}.{signature}"


def head(algorithm: str, key_id: str) -> str:
    header = json.dumps({"alg": algorithm, "typ": "JWT", "kid": key_id})
    return base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode()


async def test_a_token_says_who_is_calling(tokens: TokenService, client: NewClient, partner: Partner) -> None:
    principal = await tokens.authenticate(f"Bearer {await token_of(tokens, client)}")
    assert principal.partner_id == partner.id
    assert principal.client_id == "acme-tms"
    assert principal.scopes == PARTNER_SCOPES
    principal.require(Scope.TELEMATICS_WRITE)
    with pytest.raises(MissingScopeError, match="'tsp:delete'"):
        principal.require(Scope.TSP_DELETE)


async def test_the_answer_and_the_claims_have_the_contract_s_shape(
    tokens: TokenService, client: NewClient, partner: Partner
) -> None:
    answer = await tokens.issue(
        client_id=client.client_id,
        client_secret=client.client_secret,
        grant_type="client_credentials",
        scope="organization",
    )
    claims = jwt.decode(answer.access_token, options={"verify_signature": False})
    assert answer.token_type == "Bearer"
    assert answer.expires_in == 3600
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["sub"] == "acme-tms"
    assert claims["iss"] == ISSUER
    assert claims["org"] == {"acme": {"id": str(partner.id), "org_type": ["partner"]}}
    assert claims["scope"] == answer.scope == " ".join(sorted(PARTNER_SCOPES))


async def test_others_can_verify_a_token_with_the_published_keys(tokens: TokenService, client: NewClient) -> None:
    token = await token_of(tokens, client)
    keys = jwt.PyJWKSet.from_dict(await tokens.jwks())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, algorithms=["RS256"], issuer=ISSUER)["sub"] == "acme-tms"


async def test_the_published_keys_hold_nothing_private(tokens: TokenService) -> None:
    await tokens.prepare()
    (key,) = (await tokens.jwks())["keys"]
    assert set(key) == {"kty", "key_ops", "n", "e", "kid", "use", "alg"}


async def test_the_secret_is_stored_only_as_a_hash(client: NewClient, database: Database) -> None:
    stored = await database.pool.fetchval("SELECT secret_hash FROM clients")
    assert stored.startswith("$argon2id$")
    assert client.client_secret not in stored


WRONG_CREDENTIALS = [
    ("acme-tms", "wrong"),
    ("acme-tms", ""),
    ("acme-tms", None),
    ("nobody", "wrong"),
    ("", ""),
    (None, None),
    ("acme\x00tms", "wrong"),
    ("ä" * 300, "wrong"),
]


async def test_a_wrong_secret_and_an_unknown_client_are_answered_alike(tokens: TokenService, client: NewClient) -> None:
    for client_id, client_secret in WRONG_CREDENTIALS:
        with pytest.raises(OAuthError) as caught:
            await tokens.issue(
                client_id=client_id, client_secret=client_secret, grant_type="client_credentials", scope=None
            )
        assert (caught.value.status, caught.value.error) == (401, "invalid_client")
        assert caught.value.description.startswith("Unknown client, or the secret is wrong")
        assert client.client_secret not in str(caught.value)


async def test_another_grant_type_is_refused(tokens: TokenService, client: NewClient) -> None:
    refusals = {None: "invalid_request", "": "invalid_request", "password": "unsupported_grant_type"}
    for grant_type, error in refusals.items():
        with pytest.raises(OAuthError) as caught:
            await tokens.issue(
                client_id=client.client_id,
                client_secret=client.client_secret,
                grant_type=grant_type,
                scope="organization",
            )
        assert (caught.value.status, caught.value.error) == (400, error)


async def test_without_a_choice_a_token_has_all_granted_scopes(tokens: TokenService, client: NewClient) -> None:
    for scope in (None, "", "organization"):
        principal = await tokens.authenticate("Bearer " + await token_of(tokens, client, scope))
        assert principal.scopes == PARTNER_SCOPES


async def test_a_token_can_be_asked_for_with_fewer_scopes(tokens: TokenService, client: NewClient) -> None:
    token = await token_of(tokens, client, "organization telematics:read webhook:read")
    assert (await tokens.authenticate(f"Bearer {token}")).scopes == {"telematics:read", "webhook:read"}


async def test_a_scope_that_was_not_granted_is_refused(tokens: TokenService, client: NewClient) -> None:
    for scope, refused in (("tsp:delete", "tsp:delete"), ("telematics:read made-up", "made-up")):
        with pytest.raises(OAuthError) as caught:
            await token_of(tokens, client, scope)
        assert (caught.value.status, caught.value.error) == (400, "invalid_scope")
        assert refused in caught.value.description
        assert "telematics:read" not in caught.value.description


async def test_a_token_expires_by_the_database_s_clock(
    database: Database, hasher: SecretHasher, tokens: TokenService, client: NewClient
) -> None:
    header = "Bearer " + await token_of(tokens, client)
    await database.pool.execute("UPDATE clock_shift SET shift = '59 minutes'")
    await another_process(database, hasher).authenticate(header)
    await database.pool.execute("UPDATE clock_shift SET shift = '60 minutes'")
    with pytest.raises(UnauthenticatedError, match="expired"):
        await another_process(database, hasher).authenticate(header)


async def test_a_token_known_already_expires_too(database: Database, tokens: TokenService, client: NewClient) -> None:
    header = "Bearer " + await token_of(tokens, client)
    await tokens.authenticate(header)
    await database.pool.execute("UPDATE clock_shift SET shift = '1 hour'")
    await tokens._standing.renew()
    with pytest.raises(UnauthenticatedError, match="expired"):
        await tokens.authenticate(header)
    assert not tokens._verified


NO_TOKENS = [
    None,
    "",
    "Bearer",
    "Bearer ",
    "Basic YWNtZTp4",
    "Bearer x",
    "Bearer a.b.c",
    "Bearer " + "." * 50,
    "Bearer ü.ü.ü",
    "Bearer " + base64.urlsafe_b64encode(b"[" * 10_000).decode() + ".e30.x",
    "Bearer " + base64.urlsafe_b64encode(b'{"alg":"RS256","kid":1}').decode() + ".e30.x",
    "Bearer " + base64.urlsafe_b64encode(b'{"alg":"RS256","kid":"\\u0000"}').decode() + ".e30.x",
]


async def test_what_is_no_token_is_refused(tokens: TokenService) -> None:
    for header in NO_TOKENS:
        with pytest.raises(UnauthenticatedError):
            await tokens.authenticate(header)


async def test_an_altered_token_is_refused(tokens: TokenService, client: NewClient) -> None:
    token = await token_of(tokens, client)
    with pytest.raises(UnauthenticatedError, match="not one of ours"):
        await tokens.authenticate("Bearer " + forged(token, scope="tsp:delete"))


async def test_a_token_that_names_another_algorithm_is_refused(
    tokens: TokenService, client: NewClient, database: Database
) -> None:
    _, body, _ = (await token_of(tokens, client)).split(".")
    (row,) = await database.pool.fetch("SELECT id, public_key_pem FROM signing_keys")
    # The classic confusion: the public key, known to all, taken for a shared secret.
    mac = hmac.digest(row["public_key_pem"].encode(), f"{head('HS256', row['id'])}.{body}".encode(), "sha256")
    for made_up in (
        f"{head('none', row['id'])}.{body}.",
        f"{head('HS256', row['id'])}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}",
    ):
        with pytest.raises(UnauthenticatedError, match="not one of ours"):
            await tokens.authenticate(f"Bearer {made_up}")


async def test_a_token_of_another_issuer_is_refused(
    database: Database, hasher: SecretHasher, tokens: TokenService, client: NewClient
) -> None:
    elsewhere = another_process(database, hasher, issuer="http://elsewhere.example")
    with pytest.raises(UnauthenticatedError, match="not one of ours"):
        await tokens.authenticate("Bearer " + await token_of(elsewhere, client))


async def test_processes_that_start_at_once_share_one_signing_key(
    database: Database, hasher: SecretHasher, client: NewClient
) -> None:
    processes = [another_process(database, hasher) for _ in range(3)]
    await asyncio.gather(*(process.prepare() for process in processes))
    assert await database.pool.fetchval("SELECT count(*) FROM signing_keys") == 1
    token = await token_of(processes[0], client)
    for process in processes:
        await process.authenticate(f"Bearer {token}")


async def test_a_key_that_another_process_made_is_taken_up_and_the_old_one_stays_good(
    database: Database, hasher: SecretHasher, tokens: TokenService, client: NewClient
) -> None:
    old = await token_of(tokens, client)
    await tokens.authenticate(f"Bearer {old}")
    await administrate(database, "CREATE TABLE first AS TABLE signing_keys; TRUNCATE signing_keys")
    await another_process(database, hasher).prepare()
    await database.pool.execute("INSERT INTO signing_keys TABLE first")
    new = await token_of(tokens, client)
    assert jwt.get_unverified_header(new)["kid"] != jwt.get_unverified_header(old)["kid"]
    for token in (old, new):
        await tokens.authenticate(f"Bearer {token}")
        await another_process(database, hasher).authenticate(f"Bearer {token}")
    assert len((await tokens.jwks())["keys"]) == 2


async def test_the_private_key_is_sealed(database: Database, hasher: SecretHasher) -> None:
    await another_process(database, hasher).prepare()
    sealed = await database.pool.fetchval("SELECT private_key_sealed FROM signing_keys")
    assert b"PRIVATE" not in sealed
    with pytest.raises(SealBrokenError):
        await TokenService(database, Vault(MasterKey.random()), hasher, issuer=ISSUER).prepare()


async def test_a_renewed_secret_replaces_the_old_one(
    clients: ClientService, tokens: TokenService, client: NewClient
) -> None:
    renewed = await clients.renew_secret(client.client_id)
    await token_of(tokens, renewed)
    with pytest.raises(OAuthError):
        await token_of(tokens, client)
    with pytest.raises(UnknownClientError, match="'nobody'"):
        await clients.renew_secret("nobody")


@pytest.mark.usefixtures("client")
async def test_a_client_id_is_taken_once_and_has_no_odd_characters(clients: ClientService, partner: Partner) -> None:
    with pytest.raises(ClientExistsError, match="acme-tms"):
        await clients.create(partner.id, client_id="acme-tms")
    with pytest.raises(ValueError, match="visible ASCII"):
        await clients.create(partner.id, client_id="acme tms")
    assert (await clients.create(partner.id)).client_id != (await clients.create(partner.id)).client_id
