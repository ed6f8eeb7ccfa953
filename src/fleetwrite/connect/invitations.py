"""The magic link: who asks and for what, and the answer to it."""

from fleetwrite.connect.addresses import with_query
from fleetwrite.connect.page import Desk, Page, PageRequest, Redirect
from fleetwrite.connect.words import sharing
from fleetwrite.contract.org_enums import InvitationStatusEnum
from fleetwrite.orgs.invitation_models import Invitation
from fleetwrite.orgs.invitations import audited_link

_Status = InvitationStatusEnum


async def show(desk: Desk, request: PageRequest) -> Page | Redirect:
    """Who asks and for what. Without an invitation: how to come back."""
    if "invite" not in request.query:
        return Redirect(to="/connect/return")
    invitation = await desk.services.invitations.view(request.id_of(request.query["invite"]))
    visit = await desk.visits.find(request.browser)
    if visit is not None and visit.invitation_id == invitation.id:
        return Redirect(to="/connect/providers")
    partner = await desk.services.orgs.partner(invitation.partner_id)
    values = {"invitation": invitation, "partner": partner, "sends_mail": desk.visits.sends_mail}
    if invitation.is_open and invitation.status in {_Status.ACTIVE, _Status.ACCEPTED}:
        return Page(
            template="invitation.html",
            values={**values, "sharing": sharing(invitation.permissions)},
            leads_to=(invitation.details.failure_redirect_url,),
        )
    return Page(template="answered.html", values=values, status=410)


async def accept(desk: Desk, request: PageRequest) -> Redirect:
    """Say yes; the browser may connect the fleet from then on."""
    invitation_id = request.id_of(request.form.get("invite"))
    accepted = await desk.services.invitations.accept(invitation_id, actor=request.actor(audited_link(invitation_id)))
    grant = await desk.services.invitations.redeem(accepted.connect_token)
    return Redirect(to="/connect/providers", browser=await desk.visits.admit(grant.invitation_id, grant.fleet_id))


async def decline(desk: Desk, request: PageRequest) -> Page | Redirect:
    """Say no, and why."""
    reason = request.form.get("reason", "").strip() or None
    invitation_id = request.id_of(request.form.get("invite"))
    declined = await desk.services.invitations.decline(
        invitation_id, reason, actor=request.actor(audited_link(invitation_id))
    )
    address = declined.details.failure_redirect_url
    if address is not None:
        return Redirect(to=told(address, declined, "failure"))
    partner = await desk.services.orgs.partner(declined.partner_id)
    return Page(template="declined.html", values={"partner": partner})


def told(address: str, invitation: Invitation, status: str, **more: str) -> str:
    """The partner's address with what the contract has it told by the query."""
    return with_query(
        address,
        {"status": status, "invitation_id": str(invitation.id), "fleet_ref": invitation.fleet_ref, **more},
    )
