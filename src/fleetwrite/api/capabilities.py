"""Endpoints of ours that say what a provider takes: generated from its manifest and tables."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from fleetwrite.access.scopes import Scope
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.error_answers import TspNotFoundError
from fleetwrite.api.json_schemas import body_schema
from fleetwrite.bootstrap import Services
from fleetwrite.connectors.sdk.capabilities import (
    GroupSending,
    KnownLoss,
    clearable,
    group_sending,
    known_losses,
    narrowed,
)
from fleetwrite.connectors.sdk.manifest import Budget, Field, Idempotency, Listing, LoginScheme, Manifest, Offer
from fleetwrite.connectors.sdk.registry import UnknownTspError
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES
from fleetwrite.contract.tsps import SourceName
from fleetwrite.dispatch.models import BudgetLimit


class WriteCapability(Struct, frozen=True, kw_only=True):
    """One kind of write that a TSP takes.

    Attributes:
        kind: which records of the resource, where the TSP keeps several apart; null: all.
        body: JSON Schema (draft 2020-12) of the bodies that it takes whole. A null counts as absent.
        clearable: fields that `Fleetwrite-Null: clear` can empty.
        losses: what the contract's body has and the TSP has no place for.
        idempotency: by what a write whose answer was lost is told.
        natural_key: what of the write no two records share there.
    """

    resource: ResourceEnum
    operation_type: ResourceOperationTypeEnum
    kind: str | None
    body: dict[str, Any]
    clearable: list[str]
    losses: list[KnownLoss]
    idempotency: Idempotency
    natural_key: str | None


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a TSP takes, and what it takes to connect to it.

    Attributes:
        login: how calls prove who they are.
        conn_type: the contract's name for the shape of the credentials.
        credentials, settings: what a person fills in to connect a fleet. Their values are never here.
        regions: those that the setting `region` may name; the first is the default.
        writes: the kinds of write it takes; others are answered with 501.
        group_messages: how a message to several people is sent; null: the TSP takes none.
        listings: the kinds of record that it lists.
        budgets: its limits; of a connection, those in force there.
    """

    tsp_id: UUID
    slug: str
    name: str
    source_name: SourceName
    login: LoginScheme
    conn_type: str
    credentials: Sequence[Field]
    settings: Sequence[Field]
    regions: list[str]
    writes: list[WriteCapability]
    group_messages: GroupSending | None
    listings: Sequence[Listing]
    budgets: Sequence[Budget]


async def get_tsp_capabilities(services: Services, request: ApiRequest) -> Answer:
    """What a provider takes."""
    try:
        manifest = services.registry.get(request.texts["slug"]).manifest
    except UnknownTspError as error:
        raise TspNotFoundError(str(error)) from error
    return Answer(content=_capabilities(manifest, manifest.budgets))


async def get_connection_capabilities(services: Services, request: ApiRequest) -> Answer:
    """What a connection's provider takes, under the limits in force there."""
    connection = await services.connections.get(request.partner_id, request.path["id"])
    limits = await services.connection_budgets.get(request.partner_id, connection.id)
    return Answer(content=_capabilities(services.registry.get(connection.tsp_slug).manifest, _budgets(limits)))


def _budgets(limits: Sequence[BudgetLimit]) -> list[Budget]:
    return [
        Budget(
            scope=limit.scope,
            requests=limit.requests,
            per_seconds=limit.per_seconds,
            in_flight=limit.in_flight,
            shared=limit.shared,
        )
        for limit in limits
    ]


def _capabilities(manifest: Manifest, budgets: Sequence[Budget]) -> Capabilities:
    return Capabilities(
        tsp_id=tsp_id(manifest.slug),
        slug=manifest.slug,
        name=manifest.name,
        source_name=manifest.source_name,
        login=manifest.login,
        conn_type=manifest.credential_shape,
        credentials=manifest.credentials,
        settings=manifest.settings,
        regions=list(manifest.regions),
        writes=[_write(offer) for offer in manifest.offers],
        group_messages=group_sending(manifest),
        listings=manifest.listings,
        budgets=budgets,
    )


def _write(offer: Offer) -> WriteCapability:
    body = _body(offer.resource, offer.operation_type)
    return WriteCapability(
        resource=offer.resource,
        operation_type=offer.operation_type,
        kind=offer.kind,
        body=narrowed(body, offer),
        clearable=clearable(body, offer),
        losses=known_losses(body, offer),
        idempotency=offer.idempotency,
        natural_key=offer.natural_key,
    )


@cache
def _body(resource: ResourceEnum, operation_type: ResourceOperationTypeEnum) -> dict[str, Any]:
    # No write says whose record it is by the provider's name: the connection does.
    return body_schema(WRITE_BODIES[resource, operation_type], source_names=())


_ANSWERS: Final = {200: AnswerShape(description="What is taken.", content=Capabilities)}

CAPABILITIES: Final = (
    Endpoint(
        method="GET",
        path="/v2/fleetwrite/tsps/{slug}/capabilities",
        operation_id="get_tsp_capabilities",
        summary="See what a TSP takes",
        description="Per kind of write a JSON Schema of its body, and what is lost of it; fields of a login; limits.",
        tag=Tag.TSPS,
        handler=get_tsp_capabilities,
        scope=Scope.CONNECTION_READ,
        answers=_ANSWERS,
    ),
    Endpoint(
        method="GET",
        path="/v2/fleetwrite/connections/{id}/capabilities",
        operation_id="get_connection_capabilities",
        summary="See what a connection takes",
        description="As for its TSP, with the limits in force for this connection.",
        tag=Tag.CONNECTIONS,
        handler=get_connection_capabilities,
        scope=Scope.CONNECTION_READ,
        answers=_ANSWERS,
    ),
)
