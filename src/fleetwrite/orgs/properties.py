"""What is kept of partners beside their names: defaults of their invitations, and the operator's notes."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from fleetwrite.contract.org_enums import PartnerPropertyKeyEnum
from fleetwrite.contract.orgs import PartnerPropertyCreate
from fleetwrite.kit.database import Database
from fleetwrite.kit.url_policy import UrlPolicy
from fleetwrite.orgs import store
from fleetwrite.orgs.errors import (
    OperatorOnlyError,
    PartnerNotFoundError,
    PropertyExistsError,
    PropertyNotFoundError,
)
from fleetwrite.orgs.models import Party, Property
from fleetwrite.orgs.partner_checks import PARTNERS_OWN, check_properties

_KEYS: Final = {Party.PARTNER: PARTNERS_OWN, Party.OPERATOR: frozenset(PartnerPropertyKeyEnum)}
"""Which of them who sees and sets."""


class PropertyService:
    """Properties of partners."""

    def __init__(self, database: Database, policy: UrlPolicy) -> None:
        self._database = database
        self._policy = policy

    async def all_of(self, partner_id: UUID, party: Party) -> list[Property]:
        """What is kept of a partner, as `party` may see it."""
        async with self._database.acquire() as connection:
            return [one for one in await store.properties_of(connection, partner_id) if one.key in _KEYS[party]]

    async def add(self, partner_id: UUID, properties: Sequence[PartnerPropertyCreate], party: Party) -> list[Property]:
        """Keep these: all of them or none.

        Raises:
            InvalidOrgError: naming every fault.
            OperatorOnlyError: they are none of the partner's business.
            PropertyExistsError: there is one of such a key, which has to be deleted first.
            PartnerNotFoundError: there is no such partner.
        """
        check_properties(properties, self._policy, "body.")
        foreign = sorted(one.key.value for one in properties if one.key not in _KEYS[party])
        if foreign:
            raise OperatorOnlyError(f"Only the operator sets {', '.join(foreign)}.")
        made: list[Property] = []
        try:
            async with self._database.transaction() as connection:
                for one in properties:
                    kept = await store.insert_property(connection, partner_id, one.key.value, one.value)
                    if kept is None:
                        raise PropertyExistsError(f"There is a property {one.key!s}: delete it first.")
                    made.append(kept)
        except asyncpg.ForeignKeyViolationError as error:
            raise PartnerNotFoundError(f"There is no partner {partner_id}.") from error
        return made

    async def remove(self, partner_id: UUID, property_id: UUID, party: Party) -> None:
        """Forget one.

        Raises:
            PropertyNotFoundError: the partner has none of this id that `party` may set.
        """
        keys = [key.value for key in _KEYS[party]]
        async with self._database.transaction() as connection:
            deleted = await store.delete_property(connection, partner_id, property_id, keys)
        if not deleted:
            raise PropertyNotFoundError(f"The partner has no property {property_id}.")
