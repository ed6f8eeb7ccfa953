"""Partners, what is kept of them, their fleets; and agreements that come into being without an invitation."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from fleetwrite.audit import trail
from fleetwrite.audit.models import FLEETWRITE, Actor, Deed
from fleetwrite.contract.event_names import WebhookEventNameEnum
from fleetwrite.contract.orgs import PartnerCreate
from fleetwrite.events.store import append
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.keyset import Page, Window
from fleetwrite.kit.url_policy import UrlPolicy
from fleetwrite.orgs import agreement_store, store
from fleetwrite.orgs.errors import (
    AgreementExistsError,
    BadSlugError,
    FleetNotFoundError,
    PartnerExistsError,
    PartnerNotFoundError,
)
from fleetwrite.orgs.models import (
    EVERYTHING,
    Fleet,
    Levels,
    NewFleet,
    NewPartner,
    Partner,
    ShareAgreement,
    SharedFleet,
)
from fleetwrite.orgs.partner_checks import check_properties, check_texts
from fleetwrite.orgs.rendering import agreement_event

OPERATOR_SLUG: Final = "operator"
"""The operator's own name in tokens; no partner may have it."""

_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NOT_OF_SLUGS: Final = re.compile(r"[^a-z0-9]+")


class OrgService:
    """Partners and fleets."""

    def __init__(self, database: Database, policy: UrlPolicy | None = None) -> None:
        self._database = database
        self._policy = policy or UrlPolicy()

    async def ensure_partner(self, name: str, slug: str) -> Partner:
        """Return the partner of this slug, made with this name where there was none.

        Raises:
            BadSlugError: `slug` is not lower-case words joined by hyphens, or the operator's.
        """
        _check_slug(slug)
        return await self._ensure(NewPartner(name=name, slug=slug))

    async def ensure_operator(self) -> Partner:
        """Return whoever runs this installation: the organization that the operator's own clients belong to."""
        return await self._ensure(NewPartner(name="Operator", slug=OPERATOR_SLUG, is_operator=True))

    async def create_partner(
        self, body: PartnerCreate, slug: str | None = None, *, actor: Actor = FLEETWRITE
    ) -> Partner:
        """Make a partner with all that is to be kept of it. Without a slug, one is made of its name.

        Raises:
            BadSlugError: the slug is not what a slug has to be, or none can be made of the name.
            InvalidOrgError: naming every fault of the body.
            PartnerExistsError: the slug is taken.
            PartnerNotFoundError: there is no such parent.
        """
        check_texts(name=body.name, description=body.description or None)
        check_properties(body.properties, self._policy, "body.properties.")
        chosen = _NOT_OF_SLUGS.sub("-", body.name.lower()).strip("-") if slug is None else slug
        _check_slug(chosen)
        new = NewPartner(
            name=body.name,
            slug=chosen,
            description=body.description or None,
            websites=tuple(body.websites) if body.websites else None,
            categories=tuple(body.categories or ()),
            is_sandbox=body.is_sandbox,
            parent_partner_id=body.parent_partner_id or None,
        )
        try:
            async with self._database.transaction() as connection:
                made = await store.insert_partner(connection, new)
                if made is None:
                    raise PartnerExistsError(f"A partner {chosen!r} exists: choose another slug.")
                for kept in body.properties:
                    await store.insert_property(connection, made.id, kept.key.value, kept.value)
                await trail.append(connection, actor, Deed.PARTNER_CREATED, made.id, {"slug": chosen})
        except asyncpg.ForeignKeyViolationError as error:
            raise PartnerNotFoundError(f"There is no partner {body.parent_partner_id} to be the parent.") from error
        return made

    async def change_partner(
        self, partner_id: UUID, *, name: str | None, description: str | None, actor: Actor = FLEETWRITE
    ) -> Partner:
        """Change what is not None.

        Raises:
            InvalidOrgError: the name or the description is not valid.
            PartnerNotFoundError: there is no such partner.
        """
        check_texts(name=name, description=description)
        async with self._database.transaction() as connection:
            changed = await store.update_partner(connection, partner_id, name=name, description=description)
            if changed is None:
                raise _no_partner(partner_id)
            told = {"name": name is not None, "description": description is not None}
            await trail.append(connection, actor, Deed.PARTNER_CHANGED, partner_id, told)
        return changed

    async def partner(self, partner_id: UUID) -> Partner:
        """The partner of this id.

        Raises:
            PartnerNotFoundError: there is none.
        """
        async with self._database.acquire() as connection:
            found = await store.get_partner(connection, partner_id)
        if found is None or found.is_operator:
            raise _no_partner(partner_id)
        return found

    async def partner_of(self, slug: str) -> Partner:
        """The partner of this slug.

        Raises:
            PartnerNotFoundError: there is none.
        """
        async with self._database.acquire() as connection:
            found = await store.find_partner(connection, slug)
        if found is None or found.is_operator:
            raise PartnerNotFoundError(f"There is no partner {slug!r}: `fleetwrite admin partner list` shows them.")
        return found

    async def page_partners(self, window: Window, *, only: UUID | None = None) -> tuple[Page[Partner], int]:
        """A page of all partners, or of `only` one, and how many there are.

        Raises:
            BadCursorError: the cursor is none of ours.
        """
        async with self._database.acquire() as connection:
            return await store.page_partners(connection, window, only=only)

    async def create_fleet(self, name: str) -> Fleet:
        """Make a fleet. Names need not be unique."""
        async with self._database.transaction() as connection:
            return await store.insert_fleet(connection, NewFleet(name=name))

    async def create_agreement(
        self,
        *,
        partner_id: UUID,
        fleet_id: UUID,
        fleet_ref: str,
        scopes: Levels = EVERYTHING,
        expires_at: datetime | None = None,
        actor: Actor = FLEETWRITE,
    ) -> ShareAgreement:
        """Let a partner see and write what `scopes` says, from now on.

        Raises:
            AgreementExistsError: the partner has an agreement with this fleet, or for this fleet_ref.
        """
        async with self._database.transaction() as connection:
            return await _agree(connection, partner_id, fleet_id, fleet_ref, scopes, expires_at, actor)

    async def ensure_shared_fleet(
        self, partner_id: UUID, fleet_ref: str, name: str, *, actor: Actor = FLEETWRITE
    ) -> ShareAgreement:
        """Return the partner's agreement for `fleet_ref`; if there is none, make a fleet that shares everything.

        Raises:
            AgreementExistsError: another process made it in this very moment.
        """
        async with self._database.transaction() as connection:
            agreement = await agreement_store.find_agreement(connection, partner_id, fleet_ref)
            if agreement is not None:
                return agreement
            fleet = await store.insert_fleet(connection, NewFleet(name=name))
            return await _agree(connection, partner_id, fleet.id, fleet_ref, EVERYTHING, None, actor)

    async def agreement_of(self, partner_id: UUID, fleet_ref: str) -> ShareAgreement | None:
        """The partner's agreement for `fleet_ref` that has not ended for good."""
        async with self._database.acquire() as connection:
            return await agreement_store.find_agreement(connection, partner_id, fleet_ref)

    async def fleet(self, fleet_id: UUID) -> Fleet | None:
        """The fleet of this id, whoever asks."""
        async with self._database.acquire() as connection:
            return await store.get_fleet(connection, fleet_id)

    async def shared_fleet(self, partner_id: UUID, fleet_id: UUID) -> SharedFleet:
        """The fleet of this id as a partner sees it.

        Raises:
            FleetNotFoundError: it shares nothing with the partner now.
        """
        async with self._database.acquire() as connection:
            found = await store.find_shared_fleet(connection, partner_id, fleet_id)
        if found is None:
            raise FleetNotFoundError(fleet_id)
        return found

    async def page_shared_fleets(
        self, partner_id: UUID, window: Window, *, fleet_refs: Collection[str] | None
    ) -> tuple[Page[SharedFleet], int]:
        """A page of the fleets that share something with a partner now, and how many there are.

        Raises:
            BadCursorError: the cursor is none of ours.
        """
        async with self._database.acquire() as connection:
            return await store.page_shared_fleets(connection, partner_id, window, fleet_refs=fleet_refs)

    async def count_fleets(self, partner_id: UUID) -> int:
        """How many fleets have an agreement with a partner, whether or not it counts now."""
        async with self._database.acquire() as connection:
            return await store.count_fleets(connection, partner_id)

    async def page_fleets(
        self, window: Window, *, partner_id: UUID | None, fleet_refs: Collection[str] | None
    ) -> tuple[Page[tuple[Fleet, list[ShareAgreement]]], int]:
        """A page of all fleets, each with its agreements, and how many there are; for the operator.

        Raises:
            BadCursorError: the cursor is none of ours.
        """
        async with self._database.acquire() as connection:
            page, total = await store.page_fleets(connection, window, partner_id=partner_id, fleet_refs=fleet_refs)
            agreed: dict[UUID, list[ShareAgreement]] = {fleet.id: [] for fleet in page.items}
            for agreement in await agreement_store.agreements_of_fleets(connection, agreed):
                agreed[agreement.fleet_id].append(agreement)
        return page.of(lambda fleet: (fleet, agreed[fleet.id])), total

    async def _ensure(self, new: NewPartner) -> Partner:
        async with self._database.transaction() as connection:
            made = await store.insert_partner(connection, new)
            found = made or await store.find_partner(connection, new.slug)
            if made is not None:
                await trail.append(connection, FLEETWRITE, Deed.PARTNER_CREATED, made.id, {"slug": made.slug})
        if found is None:
            raise PartnerExistsError(f"The partner {new.slug!r} changes at this very moment: try again.")
        return found


async def _agree(
    connection: Connection,
    partner_id: UUID,
    fleet_id: UUID,
    fleet_ref: str,
    scopes: Levels,
    expires_at: datetime | None,
    actor: Actor,
) -> ShareAgreement:
    made = await agreement_store.insert_agreement(
        connection, partner_id=partner_id, fleet_id=fleet_id, fleet_ref=fleet_ref, scopes=scopes, expires_at=expires_at
    )
    if made is None:
        raise AgreementExistsError(
            f"The partner has an agreement with this fleet, or for fleet_ref {fleet_ref!r}, already: use that one."
        )
    await append(connection, [agreement_event(WebhookEventNameEnum.SHARE_AGREEMENT_CREATED, made)])
    await trail.append(connection, actor, Deed.AGREEMENT_CREATED, made.id, made.terms)
    return made


def _check_slug(slug: str) -> None:
    if not _SLUG.fullmatch(slug):
        raise BadSlugError(f"The slug {slug!r} must be lower-case letters and digits, joined by single hyphens.")
    if slug == OPERATOR_SLUG:
        raise BadSlugError(f"The slug {slug!r} is the operator's own: choose another, in lower-case letters.")


def _no_partner(partner_id: UUID) -> PartnerNotFoundError:
    return PartnerNotFoundError(f"There is no partner {partner_id}.")
