import pytest

from fleetwrite.kit.database import Database
from integration.dispatch.world import World


@pytest.fixture
def world(database: Database) -> World:
    return World(database)
