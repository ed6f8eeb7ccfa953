"""Whatever partner, fleet, operator and clock do, in whatever order: invitations and agreements keep to their rules.

The reference model says which steps are allowed and what they lead to; beside it stand the rules that must never break:
one live invitation and one live agreement for a fleet_ref, nothing is shared that no fleet granted, and an event for
each change and for nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.org_enums import ShareAgreementStatusEnum, ShareLevelEnum
from fleetwrite.contract.orgs import InvitationCreate
from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Database
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.keyset import Window
from fleetwrite.kit.url_policy import UrlPolicy
from fleetwrite.orgs.agreements import AgreementService
from fleetwrite.orgs.errors import (
    AgreementNotFoundError,
    AgreementStateError,
    ConnectTokenError,
    InvitationNotFoundError,
    InvitationStateError,
    WideningError,
)
from fleetwrite.orgs.expiry import Expiry
from fleetwrite.orgs.invitations import InvitationService
from fleetwrite.orgs.models import OPERATOR, Actor
from fleetwrite.orgs.service import OrgService

READ: Final = {ResourceEnum.VEHICLE: ShareLevelEnum.READ}
WRITE: Final = {ResourceEnum.VEHICLE: ShareLevelEnum.READ_WRITE}
ALL: Final = Window()
WEIGHTS: Final = {"partner": 0, "fleet": 1, "operator": 2}
REFUSALS: Final = (
    InvitationStateError,
    InvitationNotFoundError,
    AgreementStateError,
    AgreementNotFoundError,
    WideningError,
    ConnectTokenError,
)

MOVES: Final = st.tuples(
    st.sampled_from(["pause", "pause", "activate", "activate", "cancel", "remove"]),
    st.sampled_from(["partner", "fleet", "operator"]),
)
STEPS: Final = st.one_of(
    st.tuples(st.just("invite"), st.sampled_from([None, "read", "write"]), st.sampled_from([1, 24])),
    st.tuples(st.sampled_from(["view", "accept", "decline", "delete", "redeem", "sweep"])),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 2.0, 25.0])),
    MOVES,
    MOVES,
    st.tuples(st.just("end in"), st.sampled_from(["partner", "operator"]), st.sampled_from([1.0, 30.0])),
)


@dataclass
class Invited:
    """What the model knows of the latest invitation. Times are hours since the example began."""

    id: UUID
    status: str
    levels: dict[Any, Any]
    ends: float
    is_open: bool = True
    is_viewed: bool = False


@dataclass
class Agreed:
    """What the model knows of the latest agreement."""

    id: UUID
    fleet_id: UUID
    levels: dict[Any, Any]
    status: str = "active"
    paused_by: str | None = None
    ends: float = float("inf")


@dataclass
class Model:
    """The services on one fleet_ref, and what they are expected to do."""

    invitations: InvitationService
    agreements: AgreementService
    expiry: Expiry
    database: Database
    partner_id: UUID
    fleet_ref: str
    now: float = 0.0
    invited: Invited | None = None
    agreed: Agreed | None = None
    token: tuple[str, float, UUID] | None = None
    events: list[str] = field(default_factory=list)

    async def step(self, name: str, *arguments: Any) -> None:
        """Do it, and make sure that it is refused exactly where the model says so."""
        expected = getattr(self, f"expect_{name.replace(' ', '_')}")(*arguments)
        try:
            result = await self.do(name, *arguments)
        except REFUSALS as error:
            if expected is not None:
                raise AssertionError(f"{name} {arguments} should not have been refused") from error
            return
        assert expected is not None, f"{name} {arguments} should have been refused"
        expected(result)

    async def do(self, name: str, *arguments: Any) -> Any:
        invitation_id = self.invited.id if self.invited else new_id()
        agreement_id = self.agreed.id if self.agreed else new_id()
        match name:
            case "invite":
                body = InvitationCreate(
                    fleet_ref=self.fleet_ref,
                    expires_in_hours=arguments[1],
                    permissions={"read": READ, "write": WRITE, None: None}[arguments[0]],
                )
                return await self.invitations.invite(self.partner_id, body)
            case "view":
                return await self.invitations.view(invitation_id)
            case "accept":
                return await self.invitations.accept(invitation_id)
            case "decline":
                return await self.invitations.decline(invitation_id)
            case "delete":
                return await self.invitations.delete(invitation_id, self.partner_id)
            case "redeem":
                return await self.invitations.redeem(self.token[0] if self.token else "nothing")
            case "sweep":
                return await self.expiry.expire_due()
            case "wait":
                self.now += arguments[0]
                shift = timedelta(hours=arguments[0])
                return await self.database.pool.execute("UPDATE clock_shift SET shift = shift + $1::interval", shift)
            case "end in":
                async with self.database.acquire() as connection:
                    ends_at = await database_now(connection) + timedelta(hours=arguments[1])
                return await self.agreements.change(self.actor(arguments[0]), agreement_id, expires_at=ends_at)
        method = {"remove": self.agreements.delete}.get(name) or getattr(self.agreements, name)
        return await method(self.actor(arguments[0]), agreement_id)

    def actor(self, party: str) -> Actor:
        fleet_id = self.agreed.fleet_id if self.agreed else new_id()
        return {"partner": Actor.partner(self.partner_id), "fleet": Actor.fleet(fleet_id), "operator": OPERATOR}[party]

    # What is expected of each step: None where it is refused, else a check of its result that moves the model on.

    def lapsed(self) -> bool:
        return self.invited is not None and self.invited.status == "active" and self.now >= self.invited.ends

    def live(self) -> Agreed | None:
        return self.agreed if self.agreed and self.agreed.status not in {"cancelled", "deleted"} else None

    def standing(self) -> str:
        assert self.agreed
        over = self.agreed.status in {"active", "paused"} and self.now >= self.agreed.ends
        return "expired" if over else self.agreed.status

    def expect_invite(self, levels: str | None, hours: int) -> Any:
        wanted = {"read": READ, "write": WRITE, None: None}[levels]
        agreement = self.live()
        if agreement and wanted and wanted != agreement.levels:
            return None

        def check(result: Any) -> None:
            invitation, is_new = result
            known = self.invited
            if self.lapsed():
                self.events.append("invitation.expired")
            gone = known is None or self.lapsed() or known.status in {"expired", "deleted"}
            assert is_new == gone
            if gone:
                self.events.append("invitation.created")
                expected = wanted or (agreement.levels if agreement else None)
                status = "active"
            else:
                assert known
                assert invitation.id == known.id
                expected = wanted or (agreement.levels if agreement else known.levels)
                status = "accepted" if known.status == "accepted" and agreement else "active"
            if expected is not None:
                assert invitation.permissions == expected
            assert invitation.status == status
            self.invited = Invited(invitation.id, status, dict(invitation.permissions), self.now + hours)
            self.token = None

        return check

    def expect_view(self) -> Any:
        known = self.invited
        if known is None or known.status == "deleted":
            return None

        def check(result: Any) -> None:
            assert result.status == ("expired" if self.lapsed() else known.status)
            if known.status == "active" and not self.lapsed() and not known.is_viewed:
                known.is_viewed = True
                self.events.append("invitation.viewed")

        return check

    def is_answerable(self) -> bool:
        known = self.invited
        return known is not None and known.is_open and known.status in {"active", "accepted"} and self.now < known.ends

    def expect_accept(self) -> Any:
        known, agreement = self.invited, self.live()
        if not self.is_answerable() or known is None or (known.status == "accepted" and agreement is None):
            return None

        def check(result: Any) -> None:
            if agreement is None:
                self.events.append("share_agreement.created")
            else:
                assert result.invitation.fleet_id == agreement.fleet_id
            if known.status == "active":
                self.events.append("invitation.accepted")
            known.status, known.is_open = "accepted", False
            self.token = (result.connect_token, self.now + 1, result.invitation.fleet_id)

        return check

    def expect_decline(self) -> Any:
        known = self.invited
        if not self.is_answerable() or known is None or known.status != "active":
            return None

        def check(result: Any) -> None:
            assert result.status == "declined"
            self.events += ["invitation.declined", "invitation.rejected"]
            known.status, known.is_open = "declined", False

        return check

    def expect_delete(self) -> Any:
        known = self.invited
        if known is None or known.status in {"deleted", "accepted"}:
            return None

        def check(_result: Any) -> None:
            self.events.append("invitation.deleted")
            known.status, known.is_open = "deleted", False

        return check

    def expect_redeem(self) -> Any:
        if self.token is None or self.now >= self.token[1] or self.live() is None:
            return None
        fleet_id = self.token[2]

        def check(result: Any) -> None:
            assert result.fleet_id == fleet_id
            self.token = None

        return check

    def expect_sweep(self) -> Any:
        def check(result: Any) -> None:
            due = 0
            if self.lapsed() and self.invited:
                self.invited.status, self.invited.is_open = "expired", False
                self.events.append("invitation.expired")
                due += 1
            if self.agreed and self.agreed.status != "expired" and self.standing() == "expired":
                self.agreed.status = "expired"
                self.events.append("share_agreement.updated")
                due += 1
            assert result == due

        return check

    def expect_wait(self, _hours: float) -> Any:
        return lambda _result: None

    def expect_pause(self, party: str) -> Any:
        known = self.agreed
        if known is None or self.standing() not in {"active", "paused"}:
            return None
        heavier = max(known.paused_by or party, party, key=WEIGHTS.__getitem__)
        return self.moves_to("paused", heavier)

    def expect_activate(self, party: str) -> Any:
        known = self.agreed
        if known is None or self.standing() not in {"active", "paused"}:
            return None
        if known.paused_by and WEIGHTS[known.paused_by] > WEIGHTS[party]:
            return None
        return self.moves_to("active", None)

    def expect_cancel(self, _party: str) -> Any:
        known = self.agreed
        return None if known is None or known.status == "deleted" else self.moves_to("cancelled", known.paused_by)

    def expect_remove(self, _party: str) -> Any:
        known = self.agreed
        return None if known is None or known.status == "deleted" else self.moves_to("deleted", known.paused_by)

    def moves_to(self, status: str, paused_by: str | None) -> Any:
        known = self.agreed
        assert known

        def check(result: Any) -> None:
            assert result is None or result.status == status
            if (known.status, known.paused_by) != (status, paused_by):
                self.events.append("share_agreement.deleted" if status == "deleted" else "share_agreement.updated")
            known.status, known.paused_by = status, paused_by

        return check

    def expect_end_in(self, party: str, hours: float) -> Any:
        known = self.agreed
        if known is None or known.status in {"cancelled", "deleted"}:
            return None
        # Some milliseconds have passed since it got the same end.
        if party == "partner" and self.now + hours >= known.ends:
            return None

        def check(result: Any) -> None:
            if self.standing() == "expired":
                known.status = "paused" if known.paused_by else "active"
            known.ends = self.now + hours
            assert result.status == known.status
            self.events.append("share_agreement.updated")

        return check

    async def judge(self) -> None:
        """Compare all that is stored with the model, and hold it to what must always be."""
        await self.learn()
        if self.invited and self.invited.status != "deleted":
            found = await self.invitations.get(self.invited.id, self.partner_id)
            assert found.status == ("expired" if self.lapsed() else self.invited.status)
            assert found.is_open == (self.invited.is_open and self.now < self.invited.ends)
        if self.agreed and self.agreed.status != "deleted":
            agreement = await self.agreements.get(OPERATOR, self.agreed.id)
            assert agreement.status == self.standing()
            assert agreement.scopes == self.agreed.levels
        counted = await self.database.pool.fetch(
            "SELECT levels FROM active_shares WHERE fleet_ref = $1", self.fleet_ref
        )
        counts = self.agreed is not None and self.standing() == "active"
        assert [row["levels"] for row in counted] == ([dict(self.agreed.levels)] if counts and self.agreed else [])
        rows = await self.database.pool.fetch("SELECT event_name FROM events WHERE fleet_ref = $1", self.fleet_ref)
        assert sorted(row["event_name"] for row in rows) == sorted(self.events)

    async def learn(self) -> None:
        """Take over the agreement that an acceptance made: with a new id, and the levels that were asked for."""
        found = await self.database.pool.fetchrow(
            "SELECT id, fleet_id FROM share_agreements WHERE fleet_ref = $1 ORDER BY created_at DESC, id DESC LIMIT 1",
            self.fleet_ref,
        )
        if found is not None and (self.agreed is None or found["id"] != self.agreed.id):
            assert self.live() is None
            assert self.invited
            self.agreed = Agreed(found["id"], found["fleet_id"], self.invited.levels)


@pytest.fixture
def services(database: Database) -> tuple[InvitationService, AgreementService]:
    registry = Registry.load()
    return (
        InvitationService(database, registry, UrlPolicy(), public_url="https://fleetwrite.test"),
        AgreementService(database),
    )


@given(begin=st.sampled_from([(), (("accept",),)]), steps=st.lists(STEPS, min_size=3, max_size=25))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_invitations_and_agreements_keep_to_their_rules(
    services: tuple[InvitationService, AgreementService], database: Database, begin: Sequence[Any], steps: Sequence[Any]
) -> None:
    invitations, agreements = services
    # What an example before has left behind would be swept with this one's.
    await database.pool.execute(
        "DELETE FROM share_agreements; DELETE FROM invitations; UPDATE clock_shift SET shift = '0'"
    )
    partner = await OrgService(database).ensure_partner("Acme", "acme")
    model = Model(invitations, agreements, Expiry(invitations, agreements), database, partner.id, f"ref-{new_id()}")
    for step in (("invite", "read", 24), *begin, *steps):
        await model.step(*step)
        await model.judge()


async def test_a_token_lets_connect_once_within_an_hour_and_only_while_something_is_shared(
    services: tuple[InvitationService, AgreementService], database: Database
) -> None:
    invitations, agreements = services
    partner = await OrgService(database).ensure_partner("Acme", "acme")

    async def token(ref: str) -> tuple[str, Any]:
        body = InvitationCreate(fleet_ref=ref, limit_tsps=["samsara"])
        invitation, _ = await invitations.invite(partner.id, body)
        accepted = await invitations.accept(invitation.id)
        return accepted.connect_token, accepted.invitation

    good, invitation = await token("used")
    grant = await invitations.redeem(good)
    assert (grant.fleet_id, grant.partner_id, grant.limit_tsps) == (invitation.fleet_id, partner.id, ("samsara",))
    refreshed, _ = await token("refreshed")
    await invitations.invite(partner.id, InvitationCreate(fleet_ref="refreshed"))
    ended, of_ended = await token("ended")
    found, _ = await agreements.page(OPERATOR, fleet_id=of_ended.fleet_id, window=ALL)
    await agreements.cancel(Actor.fleet(of_ended.fleet_id), found.items[0].id)
    late, _ = await token("late")
    await database.pool.execute("UPDATE clock_shift SET shift = '61 minutes'")
    for bad in (good, refreshed, ended, late, "", "\ud800"):
        with pytest.raises(ConnectTokenError):
            await invitations.redeem(bad)
    stored = await database.pool.fetchval("SELECT string_agg(i::text, '') FROM invitations i")
    assert not [one for one in (good, refreshed, ended, late) if one in stored]


async def test_a_fleet_sees_its_own_agreements_alone(
    services: tuple[InvitationService, AgreementService], database: Database
) -> None:
    _, agreements = services
    orgs = OrgService(database)
    partner = await orgs.ensure_partner("Acme", "acme")
    one, other = [await orgs.ensure_shared_fleet(partner.id, ref, ref) for ref in ("one", "other")]
    fleet = Actor.fleet(one.fleet_id)
    found, total = await agreements.page(fleet, ALL)
    assert (found.items, total) == ([one], 1)
    with pytest.raises(AgreementNotFoundError):
        await agreements.pause(fleet, other.id)
    narrowed = await agreements.change(fleet, one.id, scopes=READ, status=ShareAgreementStatusEnum.PAUSED)
    assert (narrowed.scopes, narrowed.paused_by) == (READ, "fleet")
