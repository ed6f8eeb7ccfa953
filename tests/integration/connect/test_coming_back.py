"""Coming back by a link in a mail: what a fleet sees, and what it may do."""

import asyncio
import json
import re
import secrets
from urllib.parse import urlsplit
from uuid import UUID

from fleetwrite.audit import trail
from fleetwrite.audit.models import ActorKind, Wanted
from fleetwrite.connectors.sdk.wire import basic
from fleetwrite.contract.enums import ConnectionStatusEnum
from fleetwrite.kit.keyset import Window
from fleetwrite.orgs.models import Actor, ShareAgreement
from integration.connect.place import Place
from integration.connect.test_consents import decided
from integration.connect.visitor import Visitor

GEOTAB = "/connect/providers/geotab"


async def agreement_of(place: Place, fleet_id: UUID) -> ShareAgreement:
    page, _ = await place.services.agreements.page(Actor.fleet(fleet_id), Window())
    (agreement,) = page.items
    return agreement


async def registered(place: Place, visitor: Visitor) -> tuple[str, UUID]:
    """The mail address of a fleet that connected Geotab, and the fleet."""
    email = f"Ines.{secrets.token_hex(4)}@fleet.example"
    _, fleet_id = await place.accepted(visitor, fleet_email=email, fleet_name="Northwind Haulage")
    await visitor.submit(await visitor.open(GEOTAB), GEOTAB, **place.login("geotab"))
    return email, fleet_id


async def test_a_fleet_sees_what_it_shares_and_connected(place: Place, visitor: Visitor) -> None:
    email, _ = await registered(place, visitor)
    async with place.visitor() as later:
        page = await place.come_back(later, email)

    assert urlsplit(page.url).path == "/connect/fleet"
    assert all(text in page.text for text in ("Northwind Haulage", "Acme TMS active", "Geotab active", "Nothing yet."))


async def test_looking_at_a_link_does_not_use_it_up_and_using_it_does(place: Place, visitor: Visitor) -> None:
    email, _ = await registered(place, visitor)
    await visitor.submit(await visitor.open("/connect/return"), "/connect/link", email=email)
    link = await place.letterbox.link_to(email)
    async with place.visitor() as first, place.visitor() as second:
        pages = [await one.open(link) for one in (first, second)]
        used = await first.submit(pages[0], "/connect/return")
        again = await second.submit(pages[1], "/connect/return")

    assert used.status == 200
    assert (again.status, urlsplit(again.url).path) == (410, "/connect/return")


async def test_a_link_ends_by_itself(place: Place, visitor: Visitor) -> None:
    email, _ = await registered(place, visitor)
    await visitor.submit(await visitor.open("/connect/return"), "/connect/link", email=email)
    page = await visitor.open(await place.letterbox.link_to(email))
    async with place.later("31 minutes"):
        late = await visitor.submit(page, "/connect/return")

    assert late.status == 410


async def test_a_link_is_kept_as_a_hash(place: Place, visitor: Visitor) -> None:
    email, _ = await registered(place, visitor)
    await visitor.submit(await visitor.open("/connect/return"), "/connect/link", email=email)
    secret = (await place.letterbox.link_to(email)).rpartition("=")[2]

    rows = await place.services.database.pool.fetch("SELECT t::text FROM connect_links t")
    assert rows
    assert not any(secret in row["t"] or secret.encode().hex() in row["t"] for row in rows)


async def test_nobody_learns_who_is_registered_and_no_letter_box_is_filled(place: Place, visitor: Visitor) -> None:
    email, _ = await registered(place, visitor)
    before = len(place.letterbox.mails)
    page = await visitor.open("/connect/return")
    addresses = (email, email.upper(), email, "nobody@fleet.example", "no address", "x" * 300 + "@fleet.example")
    answers = await asyncio.gather(*(visitor.submit(page, "/connect/link", email=one) for one in addresses))
    await place.letterbox.link_to(email)
    async with place.later("61 seconds"):
        await place.services.database.pool.execute("SELECT 1")
        await visitor.submit(page, "/connect/link", email=email)
        await place.letterbox.until(before + 2)

    assert len({answer.text for answer in answers}) == 1
    assert [mail.to for mail in place.letterbox.mails[before:]] == [email.lower()] * 2


async def test_a_fleet_downloads_what_is_kept_of_it(place: Place, visitor: Visitor) -> None:
    email, fleet_id = await registered(place, visitor)
    async with place.visitor() as other:
        _, foreign_id = await place.accepted(other)
    async with place.visitor() as later:
        page = await place.come_back(later, email)
        assert "ask whoever runs this service" in page.text
        answer = await later.submit(page, f"/connect/fleet/data/{fleet_id}")
        assert answer.status == 200
        assert answer.headers["Content-Disposition"] == f'attachment; filename="fleet-{fleet_id}.jsonl"'
        lines = [json.loads(line) for line in answer.document.source.splitlines()]
        assert lines[-1]["end"] is True
        assert {line["row"]["registered_email"] for line in lines if line.get("table") == "fleets"} == {email}
        assert place.login("geotab")["credentials__password"] not in answer.document.source
        fields = page.document.forms[f"/connect/fleet/data/{fleet_id}"].fields
        assert (await later.send("POST", f"/connect/fleet/data/{foreign_id}", fields)).status == 404
    wanted = Wanted(deed="fleet.exported")
    (entry,) = [one async for one in trail.entries(place.services.database, wanted)]
    assert (entry.actor_kind, entry.actor, entry.object_id) == (ActorKind.FLEET, str(fleet_id), str(fleet_id))


async def test_a_fleet_pauses_and_resumes_what_it_shares(place: Place, visitor: Visitor) -> None:
    email, fleet_id = await registered(place, visitor)
    agreement = await agreement_of(place, fleet_id)
    page = await place.come_back(visitor, email)

    paused = await visitor.submit(page, f"/connect/fleet/agreements/{agreement.id}/pause")
    assert "Acme TMS paused" in paused.text
    after = await agreement_of(place, fleet_id)
    assert (after.status, after.paused_by) == ("paused", "fleet")

    resumed = await visitor.submit(paused, f"/connect/fleet/agreements/{agreement.id}/resume")
    assert "Acme TMS active" in resumed.text
    assert (await agreement_of(place, fleet_id)).status == "active"


async def test_what_is_another_fleet_s_does_not_exist(place: Place, visitor: Visitor) -> None:
    async with place.visitor() as other:
        _, foreign = await registered(place, other)
    (connection,) = await place.connected(foreign)
    agreement = await agreement_of(place, foreign)
    email, _ = await registered(place, visitor)
    page = await place.come_back(visitor, email)
    token = page.document.forms["/connect/sign-out"].fields["form_token"]

    for path in (
        f"/connect/fleet/agreements/{agreement.id}/pause",
        f"/connect/fleet/connections/{connection.id}/disconnect",
    ):
        assert (await visitor.send("POST", path, {"form_token": token})).status == 404
    form = {"form_token": token, "connection": str(connection.id)}
    assert (await visitor.send("POST", GEOTAB, form)).status == 404
    assert (await visitor.send("POST", "/connect/providers/motive/consent", form)).status == 404
    assert (await visitor.open(f"{GEOTAB}?connection={connection.id}")).status == 404
    assert str(connection.id) not in page.document.source
    assert (await agreement_of(place, foreign)).status == "active"
    assert len(await place.connected(foreign)) == 1


async def test_a_stale_connection_is_brought_back_by_new_credentials(place: Place, visitor: Visitor) -> None:
    email, fleet_id = await registered(place, visitor)
    (connection,) = await place.connected(fleet_id)
    async with place.services.database.transaction() as transaction:
        await place.services.connections.set_status(transaction, connection.id, ConnectionStatusEnum.STALE)
    page = await place.come_back(visitor, email)
    assert "Geotab login refused" in page.text

    form = await visitor.open(f"{GEOTAB}?connection={connection.id}")
    wrong = await visitor.submit(form, GEOTAB, **place.login("geotab") | {"credentials__password": "wrong"})
    assert wrong.status == 422
    done = await visitor.submit(wrong, GEOTAB, **place.login("geotab"))

    assert "Geotab active" in done.text
    (after,) = await place.connected(fleet_id)
    assert (after.id, after.status) == (connection.id, "active")


async def test_credentials_of_another_account_take_nothing_over(place: Place, visitor: Visitor) -> None:
    email, fleet_id = await registered(place, visitor)
    (connection,) = await place.connected(fleet_id)
    await place.come_back(visitor, email)
    other = place.simulators["geotab"].demo_accounts()[1].credentials
    form = await visitor.open(f"{GEOTAB}?connection={connection.id}")
    page = await visitor.submit(form, GEOTAB, **{f"credentials__{name}": value for name, value in other.items()})

    assert page.status == 422
    assert "This is another account at Geotab" in page.text


async def test_a_consent_is_renewed_also_while_nothing_is_shared(place: Place, visitor: Visitor) -> None:
    email, fleet_id = await registered(place, visitor)
    sent = await visitor.submit(await visitor.open("/connect/providers/motive"), "/connect/providers/motive/consent")
    await visitor.open(await decided(visitor, sent.location))
    connection = (await place.connected(fleet_id))[1]
    page = await place.come_back(visitor, email)
    await visitor.submit(page, f"/connect/fleet/agreements/{(await agreement_of(place, fleet_id)).id}/pause")
    async with place.services.database.transaction() as transaction:
        await place.services.connections.set_status(transaction, connection.id, ConnectionStatusEnum.STALE)

    form = await visitor.open(f"/connect/providers/motive?connection={connection.id}")
    sent = await visitor.submit(form, "/connect/providers/motive/consent")
    done = await visitor.open(await decided(visitor, sent.location))

    assert urlsplit(done.url).path == "/connect/fleet"
    assert [one.status for one in await place.connected(fleet_id)] == ["active", "active"]


async def test_a_fleet_disconnects_once_it_was_asked(place: Place, visitor: Visitor) -> None:
    email, fleet_id = await registered(place, visitor)
    (connection,) = await place.connected(fleet_id)
    await place.come_back(visitor, email)
    path = f"/connect/fleet/connections/{connection.id}/disconnect"
    asked = await visitor.open(path)
    assert len(await place.connected(fleet_id)) == 1

    page = await visitor.submit(asked, path)

    assert "No account is connected." in page.text
    kept = await place.services.database.pool.fetchrow(
        "SELECT status, credentials_sealed FROM connections WHERE id = $1", connection.id
    )
    assert kept is not None
    assert (kept["status"], kept["credentials_sealed"]) == ("deleted", None)


async def test_who_disconnects_takes_a_consent_back_where_that_can_be_done(place: Place, visitor: Visitor) -> None:
    email, fleet_id = await registered(place, visitor)
    sent = await visitor.submit(await visitor.open("/connect/providers/samsara"), "/connect/providers/samsara/consent")
    await visitor.open(await decided(visitor, sent.location))
    connection = (await place.connected(fleet_id))[1]
    async with place.services.database.acquire() as reading:
        account = (await place.services.connections.open_accounts(reading, [connection.id]))[connection.id]
    refresh_token = account.credentials["refresh_token"]
    await place.come_back(visitor, email)
    path = f"/connect/fleet/connections/{connection.id}/disconnect"
    await visitor.submit(await visitor.open(path), path)

    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    headers = basic(account.credentials["client_id"], account.credentials["client_secret"])
    url = f"{place.addresses['samsara']}/oauth2/token"
    async with visitor.http.post(url, data=form, headers=headers) as answer:
        assert (answer.status, await answer.json()) == (400, {"error": "invalid_grant"})


async def test_a_provider_that_does_not_answer_keeps_nobody_connected(place: Place, visitor: Visitor) -> None:
    email, fleet_id = await registered(place, visitor)
    sent = await visitor.submit(await visitor.open("/connect/providers/samsara"), "/connect/providers/samsara/consent")
    await visitor.open(await decided(visitor, sent.location))
    connection = (await place.connected(fleet_id))[1]
    await place.come_back(visitor, email)
    path = f"/connect/fleet/connections/{connection.id}/disconnect"
    asked = await visitor.open(path)
    fault = {"method": "POST", "path": "/oauth2/revoke", "kind": "drop_before"}
    async with visitor.http.post(f"{place.addresses['samsara']}/_simulator/faults", json=fault) as answer:
        assert answer.status == 200
    page = await visitor.submit(asked, path)

    assert page.status == 200
    assert [one.tsp_slug for one in await place.connected(fleet_id)] == ["geotab"]


async def test_who_signs_out_is_out(place: Place, visitor: Visitor) -> None:
    email, _ = await registered(place, visitor)
    page = await place.come_back(visitor, email)
    secret = visitor.cookie
    await visitor.submit(page, "/connect/sign-out")

    assert visitor.cookie != secret
    assert (await visitor.open("/connect/fleet")).status == 403
    async with place.visitor() as thief:
        refused = await thief.send("GET", "/connect/fleet", Cookie=f"fleetwrite-visit={secret}")
        assert refused.status == 403


async def test_what_was_written_is_shown_page_by_page(place: Place, visitor: Visitor) -> None:
    email, fleet_id = await registered(place, visitor)
    (connection,) = await place.connected(fleet_id)
    await place.services.database.pool.execute(
        """
        INSERT INTO operations (id, partner_id, connection_id, resource, operation_type, payload, directives, status,
            is_sync, created_at, updated_at, expires_at)
        SELECT gen_random_uuid(), $1, $2, 'message', 'create', '{}', '{}', 'pending', false,
            fleetwrite_now() - make_interval(mins => n), fleetwrite_now(), fleetwrite_now() + interval '1 hour'
        FROM generate_series(1, 30) n
        """,
        place.partner.id,
        connection.id,
    )
    page = await place.come_back(visitor, email)
    (older,) = (link for link in page.document.links if "page=" in link)
    rest = await visitor.open(older)

    rows = [len(re.findall(r"Send a message Geotab Acme TMS Waiting", one.text)) for one in (page, rest)]
    assert rows == [25, 5]
    assert (await visitor.open("/connect/fleet?page=nonsense")).status == 404
