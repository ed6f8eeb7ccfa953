"""Records that were written before reads had their own terms are put into these."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from conftest import address_of
from fleetwrite.kit.migrations import MIGRATIONS, migrate
from fleetwrite.kit.postgres import EmbeddedPostgres

MIGRATION = "0017_record_reading.sql"
NAME = "test_migrated_attributes"

DRIVER, VEHICLE, MESSAGE = uuid4(), uuid4(), uuid4()
OLD: dict[str, tuple[UUID, dict[str, Any]]] = {
    "user": (DRIVER, {"is_driver": True, "odometer": 1}),
    "vehicle": (VEHICLE, {"vehicle_name": "Truck", "odometer_unit": "km"}),
    "message": (MESSAGE, {"recipient_id": str(DRIVER), "sender_id": str(uuid4()), "message_text": "x"}),
    "group_message": (uuid4(), {"recipient_ids": [str(DRIVER), str(uuid4())], "message_text": "y"}),
    "dvir_log": (
        uuid4(),
        {
            "driver_id": str(DRIVER),
            "vehicle_id": str(VEHICLE),
            "odometer": 2,
            "odometer_unit": "miles",
            "occurred_at": "2026-05-04T10:00:00Z",
        },
    ),
    "fuel_transaction": (
        uuid4(),
        {
            "vehicle_id": str(VEHICLE),
            "fuel_volume": 100,
            "fuel_volume_unit": "US_GALLON",
            "latitude": 32.78,
            "longitude": -96.8,
            "total_cost": 412.60,
            "transaction_time": "2026-05-05T10:00:00Z",
            "fuel_vendor": "Pump",
        },
    ),
}


@pytest.fixture
async def old_url(postgres_server: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[str]:
    """A database as it was before."""
    admin = await asyncpg.connect(address_of(postgres_server.dsn, "postgres"))
    await admin.execute(f"CREATE DATABASE {NAME}")
    for path in MIGRATIONS.glob("*.sql"):
        if path.name < MIGRATION:
            shutil.copy(path, tmp_path)
    url = address_of(postgres_server.dsn, NAME)
    await migrate(url, tmp_path)
    yield url
    await admin.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
    await admin.close()


async def test_attributes_are_put_into_the_terms_of_reads(old_url: str) -> None:
    connection = await asyncpg.connect(old_url)
    fleet_id, connection_id = uuid4(), uuid4()
    await connection.execute("INSERT INTO fleets VALUES ($1, 'Fleet', now(), now())", fleet_id)
    await connection.execute(
        """
        INSERT INTO connections (id, fleet_id, tsp_slug, source_name, status, credentials_sealed,
            credentials_masked, created_at, updated_at)
        VALUES ($1, $2, 'samsara', 'samsara', 'active', '', '{}', now(), now())
        """,
        connection_id,
        fleet_id,
    )
    for resource, (record_id, attributes) in OLD.items():
        await connection.execute(
            """
            INSERT INTO records (id, connection_id, resource, source_id, attributes, source_data_hash, created_at,
                updated_at) VALUES ($1, $2, $3, 'of ' || $3, $4, '', now(), now())
            """,
            record_id,
            connection_id,
            resource,
            json.dumps(attributes),
        )

    await migrate(old_url)

    rows = await connection.fetch("SELECT resource, attributes, occurred_at, created_at FROM records")
    await connection.close()
    found = {row["resource"]: json.loads(row["attributes"]) for row in rows}
    times = {row["resource"]: row["occurred_at"].isoformat() for row in rows}
    assert found == {
        "user": OLD["user"][1],
        "vehicle": OLD["vehicle"][1],
        "message": {
            "source_recipient_id": "of user",
            "sender_id": OLD["message"][1]["sender_id"],
            "message_text": "x",
            "status": "sent",
        },
        "group_message": {"source_recipient_ids": ["of user"], "message_text": "y", "status": "sent"},
        "dvir_log": {"source_driver_id": "of user", "source_vehicle_id": "of vehicle", "odometer": 3218.688},
        "fuel_transaction": {
            "source_vehicle_id": "of vehicle",
            "fuel_volume": 0.3785411784,
            "location": {"type": "Point", "coordinates": [-96.8, 32.78]},
            "total_cost": "412.6",
            "fuel_vendor": "Pump",
        },
    }
    assert times["dvir_log"] == "2026-05-04T10:00:00+00:00"
    assert times["fuel_transaction"] == "2026-05-05T10:00:00+00:00"
    assert all(row["occurred_at"] == row["created_at"] for row in rows if row["resource"] in {"user", "message"})
