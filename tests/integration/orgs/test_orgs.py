from datetime import timedelta

import pytest

from fleetwrite.kit.database import Database
from fleetwrite.orgs.errors import AgreementExistsError, BadSlugError
from fleetwrite.orgs.models import EVERYTHING, READ_ALL
from fleetwrite.orgs.service import OrgService


@pytest.fixture
def orgs(database: Database) -> OrgService:
    return OrgService(database)


async def test_a_partner_is_made_once_for_a_slug(orgs: OrgService) -> None:
    made = await orgs.ensure_partner("Acme Freight", "acme-freight")
    assert await orgs.ensure_partner("Another name", "acme-freight") == made
    assert await orgs.partner(made.id) == made


async def test_a_bad_slug_is_refused(orgs: OrgService) -> None:
    for slug in ("", "Acme", "acme freight", "-acme", "acme--freight", "acme\n", "ä", "operator"):
        with pytest.raises(BadSlugError, match="lower-case"):
            await orgs.ensure_partner("Acme", slug)


async def test_a_shared_fleet_is_made_once_for_a_fleet_ref(orgs: OrgService) -> None:
    partner = await orgs.ensure_partner("Acme", "acme")
    made = await orgs.ensure_shared_fleet(partner.id, "fleet-1", "North")
    again = await orgs.ensure_shared_fleet(partner.id, "fleet-1", "Other")
    fleet = await orgs.fleet(made.fleet_id)
    assert again == made
    assert made.scopes == EVERYTHING
    assert fleet is not None
    assert fleet.name == "North"
    assert await orgs.agreement_of(partner.id, "fleet-1") == made


async def test_two_partners_may_use_the_same_fleet_ref(orgs: OrgService) -> None:
    acme = await orgs.ensure_partner("Acme", "acme")
    zenith = await orgs.ensure_partner("Zenith", "zenith")
    one = await orgs.ensure_shared_fleet(acme.id, "1", "North")
    other = await orgs.ensure_shared_fleet(zenith.id, "1", "South")
    assert one.fleet_id != other.fleet_id


async def test_a_fleet_can_share_with_two_partners_and_with_each_once(orgs: OrgService) -> None:
    acme = await orgs.ensure_partner("Acme", "acme")
    zenith = await orgs.ensure_partner("Zenith", "zenith")
    fleet = await orgs.create_fleet("North")
    for partner in (acme, zenith):
        await orgs.create_agreement(partner_id=partner.id, fleet_id=fleet.id, fleet_ref="n", scopes=READ_ALL)
    with pytest.raises(AgreementExistsError, match="'other'"):
        await orgs.create_agreement(partner_id=acme.id, fleet_id=fleet.id, fleet_ref="other")


async def test_an_agreement_counts_from_now_until_it_expires(orgs: OrgService, database: Database) -> None:
    partner = await orgs.ensure_partner("Acme", "acme")
    fleet = await orgs.create_fleet("North")
    now = await database.pool.fetchval("SELECT fleetwrite_now()")
    await orgs.create_agreement(
        partner_id=partner.id, fleet_id=fleet.id, fleet_ref="n", expires_at=now + timedelta(hours=1)
    )
    active = "SELECT fleet_id FROM active_shares WHERE partner_id = $1"
    assert await database.pool.fetchval(active, partner.id) == fleet.id
    await database.pool.execute("UPDATE clock_shift SET shift = '61 minutes'")
    assert await database.pool.fetchval(active, partner.id) is None
    await database.pool.execute("UPDATE clock_shift SET shift = '-1 minute'")
    assert await database.pool.fetchval(active, partner.id) is None


async def test_an_agreement_counts_only_while_active(orgs: OrgService, database: Database) -> None:
    partner = await orgs.ensure_partner("Acme", "acme")
    agreement = await orgs.ensure_shared_fleet(partner.id, "n", "North")
    for status, counted in (("paused", 0), ("cancelled", 0), ("deleted", 0), ("expired", 0), ("active", 1)):
        await database.pool.execute("UPDATE share_agreements SET status = $2 WHERE id = $1", agreement.id, status)
        assert await database.pool.fetchval("SELECT count(*) FROM active_shares") == counted
