"""For whom requests act, and what partners learn of each other where they share a fleet."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from fleetwrite.access.scopes import Scope
from fleetwrite.api.app import ENDPOINTS, create_app
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.bootstrap import Services
from fleetwrite.connections.errors import ConnectionNotFoundError
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.keyset import Window
from fleetwrite.kit.tenancy import acting_for, acts_for
from fleetwrite.operations.errors import OperationNotFoundError
from fleetwrite.operations.listing import FilterQuery
from fleetwrite.operations.service import OperationQuery
from fleetwrite.orgs.errors import AgreementNotFoundError, InvitationNotFoundError, PartnerNotFoundError
from fleetwrite.orgs.models import Actor
from fleetwrite.orgs.models import Party as Whose
from fleetwrite.records.errors import RecordNotFoundError
from fleetwrite.records.id_map_models import LookUp
from fleetwrite.records.listing import RecordFilter
from fleetwrite.webhooks.errors import SubscriptionNotFoundError
from integration.api.inviting import operator_token
from integration.api.world import served
from integration.api.write_bodies import ENDPOINTS as WRITES
from integration.api.write_bodies import UPDATE
from integration.tenancy.two_partners import Party, TwoPartners

OPERATIONS = "/v2/fleetwrite/operations"


def probe(path: str, **how: Any) -> Endpoint:
    """An endpoint that says for whom it acts."""

    async def tell(_services: Services, _request: ApiRequest) -> Answer:
        return Answer(content=str(acts_for()))

    return Endpoint(
        method="GET",
        path=path,
        operation_id=path.strip("/"),
        summary="",
        tag=Tag.INSIGHT,
        handler=tell,
        answers={200: AnswerShape(description="")},
        **how,
    )


async def test_a_request_acts_for_nobody_until_it_is_known_who_is_calling(two: TwoPartners) -> None:
    app = create_app(
        two.services,
        [
            probe("/open"),
            probe("/strangers", serves_strangers=True),
            probe("/either", serves_strangers=True, scope_if_shown=Scope.TELEMATICS_READ),
            probe("/token", needs_token=True),
        ],
    )
    operator = {"Authorization": f"Bearer {await operator_token(two.world)}"}
    partner = {"Authorization": f"Bearer {two.umbrella.token}"}
    told: dict[str, str] = {}
    async with served(app) as url:
        for name, path, headers in [
            ("open", "/open", {}),
            ("strangers", "/strangers", {}),
            ("either without", "/either", {}),
            ("either with", "/either", partner),
            ("partner", "/token", partner),
            ("operator", "/token", operator),
        ]:
            async with two.world.http.get(url + path, headers=headers) as answer:
                told[name] = await answer.json()
    assert told == {
        "open": "Nameless.NOBODY",
        "strangers": "Nameless.SYSTEM",
        "either without": "Nameless.SYSTEM",
        "either with": str(two.umbrella.id),
        "partner": str(two.umbrella.id),
        "operator": "Nameless.SYSTEM",
    }


def test_it_is_known_which_endpoints_act_for_the_system_without_a_token() -> None:
    assert {endpoint.operation_id for endpoint in ENDPOINTS if endpoint.serves_strangers} == {
        "get_token",
        "revoke_token",
        "get_signing_keys",
        "get_metrics",
        "get_invitation",
        "accept_invitation",
        "decline_invitation",
    }


LISTS: list[Callable[[Services, UUID], Awaitable[Any]]] = [
    lambda services, whose: services.operations.page(whose, OperationQuery()),
    lambda services, whose: services.control.page(whose, FilterQuery()),
    lambda services, whose: services.connections.page(whose, Window()),
    lambda services, whose: services.connections.slugs_shared(whose),
    lambda services, whose: services.records.page(whose, RecordFilter(resource=ResourceEnum.VEHICLE), Window()),
    lambda services, whose: services.id_map.look_up(whose, LookUp(), Window()),
    lambda services, whose: services.subscriptions.page(whose),
    lambda services, whose: services.invitations.page(whose, Window(), fleet_ref=None),
    lambda services, whose: services.agreements.page(Actor.partner(whose), Window()),
    lambda services, whose: services.orgs.page_shared_fleets(whose, Window(), fleet_refs=None),
    lambda services, whose: services.orgs.page_partners(Window(), only=whose),
    lambda services, whose: services.properties.all_of(whose, Whose.OPERATOR),
]


def shown(answer: Any) -> list[Any]:
    """What is on a page, however the service gives it."""
    match answer:
        case (page, _total):
            return list(page.items)
        case dict() | list():
            return list(answer)
        case _:
            page = getattr(answer, "page", answer)
            return list(page.items)


@pytest.mark.parametrize("listing", range(len(LISTS)))
async def test_a_list_that_asks_for_another_s_rows_gets_none(two: TwoPartners, listing: int) -> None:
    """As if its query named the wrong partner, or none: here it names Acme, and acts for Umbrella."""
    ask = LISTS[listing]
    with acting_for(two.acme.id):
        assert shown(await ask(two.services, two.acme.id)) != []
    with acting_for(two.umbrella.id):
        assert shown(await ask(two.services, two.acme.id)) == []


async def test_a_look_at_another_s_row_finds_none(two: TwoPartners) -> None:
    services, whose, own = two.services, two.acme.id, two.acme.own

    async def one(table: str) -> UUID:
        found: UUID = await services.database.pool.fetchval(f"SELECT id FROM {table} WHERE partner_id = $1", whose)  # noqa: S608 - ours
        return found

    looks: list[tuple[type[Exception], Callable[[], Awaitable[object]]]] = []
    operation, webhook = await one("operations"), await one("subscriptions")
    invitation, agreement = await one("invitations"), await one("share_agreements")
    record = UUID(own.records["vehicle"])
    looks += [
        (OperationNotFoundError, lambda: services.control.detail(whose, operation)),
        (OperationNotFoundError, lambda: services.control.cancel(whose, operation)),
        (OperationNotFoundError, lambda: services.control.retry(whose, operation, force=True)),
        (OperationNotFoundError, lambda: services.operations.collect_secrets(whose, operation)),
        (ConnectionNotFoundError, lambda: services.connections.get(whose, UUID(own.id))),
        (ConnectionNotFoundError, lambda: services.steering.pause(whose, UUID(own.id))),
        (ConnectionNotFoundError, lambda: services.disconnector.disconnect(whose, UUID(own.id))),
        (RecordNotFoundError, lambda: services.records.get(whose, ResourceEnum.VEHICLE, record)),
        (SubscriptionNotFoundError, lambda: services.subscriptions.get(whose, webhook)),
        (SubscriptionNotFoundError, lambda: services.subscriptions.delete(whose, webhook)),
        (SubscriptionNotFoundError, lambda: services.upkeep.metrics(whose, webhook)),
        (InvitationNotFoundError, lambda: services.invitations.delete(invitation, whose)),
        (AgreementNotFoundError, lambda: services.agreements.pause(Actor.partner(whose), agreement)),
        (PartnerNotFoundError, lambda: services.orgs.partner(whose)),
    ]
    for error, look in looks:
        with acting_for(two.umbrella.id), pytest.raises(error):
            await look()


def body_at(two: TwoPartners, resource: ResourceEnum, **fields: Any) -> tuple[str, dict[str, Any]]:
    """Path and body of a write to the connection that both have."""
    endpoint = next(
        one for one in WRITES if one.resource is resource and (one.operation_type is UPDATE or resource not in _UPDATED)
    )
    here = {two.world.first.records[kind]: two.shared.records[kind] for kind in two.shared.records}
    body = {
        field: here.get(value, value) if isinstance(value, str) else value
        for field, value in endpoint.body(two.world).items()
    }
    return endpoint.path(endpoint.target(two.shared)), body | {"connection_id": two.shared.id} | fields


_UPDATED = {ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER}


async def send(two: TwoPartners, party: Party, method: str, path: str, body: Any) -> Any:
    return await two.world.send_json(method, path, body, token=party.token)


async def test_writes_of_two_partners_to_one_record_keep_their_order_and_do_not_name_each_other(
    two: TwoPartners,
) -> None:
    # The provider that is nowhere was found out to be.
    async with two.services.database.transaction() as connection:
        await connection.execute("DELETE FROM breakers")
        await two.services.dispatch.reopen_owners(connection, [UUID(two.shared.id)])
    path, body = body_at(two, ResourceEnum.TRAILER)
    first = (await send(two, two.acme, "PATCH", path, body)).json()
    second = (await send(two, two.umbrella, "PATCH", path, body)).json()
    third = (await send(two, two.umbrella, "PATCH", path, body)).json()
    waits = [
        (await two.world.get(f"{OPERATIONS}/{operation['id']}", token=two.umbrella.token)).json()["waiting"]
        for operation in (second, third)
    ]
    assert [one["state"] for one in waits] == ["behind", "behind"]
    assert [one["behind_operation_id"] for one in waits] == [None, second["id"]]

    # To try anew what others have written over since needs force; who that was is not said, unless oneself.
    for operation, party, named in [(first, two.acme, None), (second, two.umbrella, third["id"])]:
        called_off = await send(two, party, "POST", f"{OPERATIONS}/{operation['id']}/cancel", None)
        assert called_off.status == 200, called_off.text
        refused = await send(two, party, "POST", f"{OPERATIONS}/{operation['id']}/retry", None)
        assert refused.status == 409
        assert ("another operation" in refused.text) == (named is None)
        assert named is None or named in refused.text
        others = {second["id"], third["id"]} if party is two.acme else {first["id"]}
        assert not any(other in refused.text for other in others)


async def test_a_reference_that_another_partner_used_is_refused_without_naming_its_operation(two: TwoPartners) -> None:
    path, body = body_at(two, ResourceEnum.FUEL_TRANSACTION, location_string="Reno, NV")
    first = await send(two, two.acme, "POST", path, body)
    assert first.status == 202
    for party, named in [(two.umbrella, False), (two.acme, True)]:
        again = await send(two, party, "POST", path, body)
        assert again.status == 409
        assert (first.json()["id"] in again.text) == named
