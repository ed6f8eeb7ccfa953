"""A partner's client, and as many processes that give and check its tokens as a test wants."""

from dataclasses import dataclass

from fleetwrite.access.hashing import SecretHasher
from fleetwrite.access.models import NewClient
from fleetwrite.access.service import ClientService, TokenService
from fleetwrite.audit.models import Actor, ActorKind
from fleetwrite.kit.database import Database
from fleetwrite.orgs.models import Partner
from fleetwrite.vault.keys import MasterKey
from fleetwrite.vault.service import Vault

ISSUER = "http://127.0.0.1/realms/catena"
KEY = MasterKey(b"k" * 32)


@dataclass(frozen=True)
class Parties:
    database: Database
    hasher: SecretHasher
    clients: ClientService
    partner: Partner
    client: NewClient

    def process(self) -> TokenService:
        return TokenService(self.database, Vault(KEY), self.hasher, issuer=ISSUER)

    async def shift_clock(self, interval: str) -> None:
        await self.database.pool.execute("UPDATE clock_shift SET shift = shift + $1::text::interval", interval)


def stranger(address: str) -> Actor:
    return Actor(kind=ActorKind.STRANGER, name="", address=address)


async def token_of(
    tokens: TokenService, client: NewClient, *, secret: str | None = None, address: str = "192.0.2.1"
) -> str:
    answer = await tokens.issue(
        client_id=client.client_id,
        client_secret=secret or client.client_secret,
        grant_type="client_credentials",
        scope="organization",
        caller=stranger(address),
    )
    return answer.access_token
