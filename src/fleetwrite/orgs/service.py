"""Brings partners and fleets together."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from fleetwrite.kit.database import Connection, Database
from fleetwrite.orgs import store
from fleetwrite.orgs.errors import AgreementExistsError, BadSlugError
from fleetwrite.orgs.models import EVERYTHING, Fleet, Partner, ShareAgreement

_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class OrgService:
    """Partners, fleets and share agreements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ensure_partner(self, name: str, slug: str) -> Partner:
        """Return the partner of this slug, made with this name where there was none.

        Raises:
            BadSlugError: `slug` is not lower-case words joined by hyphens.
        """
        if not _SLUG.fullmatch(slug):
            raise BadSlugError(f"The slug {slug!r} must be lower-case letters and digits, joined by single hyphens.")
        async with self._database.transaction() as connection:
            return await store.keep_partner(connection, name, slug)

    async def create_fleet(self, name: str) -> Fleet:
        """Make a fleet. Names need not be unique."""
        async with self._database.transaction() as connection:
            return await store.insert_fleet(connection, name)

    async def create_agreement(
        self,
        *,
        partner_id: UUID,
        fleet_id: UUID,
        fleet_ref: str,
        scopes: Mapping[str, str] = EVERYTHING,
        expires_at: datetime | None = None,
    ) -> ShareAgreement:
        """Let a partner see and write what `scopes` says (resource -> `read` or `read_write`), from now on.

        Raises:
            AgreementExistsError: the partner has an agreement with this fleet, or for this fleet_ref.
        """
        async with self._database.transaction() as connection:
            return await _add_agreement(
                connection,
                partner_id=partner_id,
                fleet_id=fleet_id,
                fleet_ref=fleet_ref,
                scopes=scopes,
                expires_at=expires_at,
            )

    async def ensure_shared_fleet(self, partner_id: UUID, fleet_ref: str, name: str) -> ShareAgreement:
        """Return the partner's agreement for `fleet_ref`; if there is none, make a fleet that shares everything.

        Raises:
            AgreementExistsError: another process made it in this very moment.
        """
        async with self._database.transaction() as connection:
            agreement = await store.find_agreement(connection, partner_id, fleet_ref)
            if agreement is not None:
                return agreement
            fleet = await store.insert_fleet(connection, name)
            return await _add_agreement(
                connection,
                partner_id=partner_id,
                fleet_id=fleet.id,
                fleet_ref=fleet_ref,
                scopes=EVERYTHING,
                expires_at=None,
            )

    async def partner(self, partner_id: UUID) -> Partner | None:
        """The partner of this id."""
        async with self._database.acquire() as connection:
            return await store.get_partner(connection, partner_id)

    async def fleet(self, fleet_id: UUID) -> Fleet | None:
        """The fleet of this id."""
        async with self._database.acquire() as connection:
            return await store.get_fleet(connection, fleet_id)

    async def agreements(self, partner_id: UUID) -> list[ShareAgreement]:
        """All agreements of a partner, oldest first, whatever their status."""
        async with self._database.acquire() as connection:
            return await store.agreements_of(connection, partner_id)


async def _add_agreement(
    connection: Connection,
    *,
    partner_id: UUID,
    fleet_id: UUID,
    fleet_ref: str,
    scopes: Mapping[str, str],
    expires_at: datetime | None,
) -> ShareAgreement:
    try:
        return await store.insert_agreement(
            connection,
            partner_id=partner_id,
            fleet_id=fleet_id,
            fleet_ref=fleet_ref,
            scopes=dict(scopes),
            expires_at=expires_at,
        )
    except asyncpg.UniqueViolationError as error:
        raise AgreementExistsError(
            f"The partner has an agreement with this fleet, or for fleet_ref {fleet_ref!r}, already: use that one."
        ) from error
