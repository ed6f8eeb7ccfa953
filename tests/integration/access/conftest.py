import pytest

from fleetwrite.access.hashing import SecretHasher
from fleetwrite.access.service import ClientService
from fleetwrite.kit.database import Database
from fleetwrite.orgs.service import OrgService
from integration.access.parties import Parties


@pytest.fixture(scope="session")
def hasher() -> SecretHasher:
    return SecretHasher()


@pytest.fixture
async def parties(database: Database, hasher: SecretHasher) -> Parties:
    clients = ClientService(database, hasher)
    partner = await OrgService(database).ensure_partner("Acme", "acme")
    client = await clients.create(partner.id, client_id="acme-tms")
    return Parties(database=database, hasher=hasher, clients=clients, partner=partner, client=client)
