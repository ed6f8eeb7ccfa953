from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.org_enums import ShareLevelEnum
from integration.connect.place import Place
from integration.connect.visitor import Visitor

BACK = {"success_redirect_url": "https://tms.example/ok?kept=1", "failure_redirect_url": "https://tms.example/no"}


async def test_the_page_says_who_asks_and_for_what(place: Place, visitor: Visitor) -> None:
    invitation = await place.invite(
        fleet_name="Northwind Haulage",
        permissions={ResourceEnum.MESSAGE: ShareLevelEnum.READ_WRITE, ResourceEnum.VEHICLE: ShareLevelEnum.READ},
    )

    page = await visitor.open(f"/connect?invite={invitation.id}")

    assert page.status == 200
    assert "Acme TMS asks to work with Northwind Haulage" in page.text
    assert "Send messages to your drivers" in page.text
    assert "Add vehicles" not in page.text
    assert "Messages with drivers, vehicles." in page.text


async def test_looking_accepts_nothing(place: Place, visitor: Visitor) -> None:
    invitation = await place.invite()
    await visitor.open(f"/connect?invite={invitation.id}")

    assert (await place.services.invitations.view(invitation.id)).status == "active"
    assert (await visitor.open("/connect/providers")).status == 403
