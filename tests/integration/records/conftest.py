"""A partner with an account, and the services of records."""

from uuid import UUID

import pytest

from fleetwrite.kit.database import Database
from fleetwrite.operations.naming import first_named
from fleetwrite.orgs.models import Partner
from fleetwrite.orgs.service import OrgService
from fleetwrite.records.id_map import IdMap
from fleetwrite.records.service import RecordService
from integration.records.accounts import connect


@pytest.fixture
def records(database: Database) -> RecordService:
    return RecordService(database)


@pytest.fixture
def id_map(database: Database) -> IdMap:
    return IdMap(database, first_named)


@pytest.fixture
async def partner(database: Database) -> Partner:
    return await OrgService(database).ensure_partner("Partner", "partner")


@pytest.fixture
async def account(database: Database, partner: Partner) -> UUID:
    return await connect(database, partner, "north")
