"""What every installed connector's manifest must hold to."""

from uuid import UUID

import msgspec
import pytest

from fleetwrite.connectors.sdk.connector import Connector, SessionConnector
from fleetwrite.connectors.sdk.manifest import ON_UNCERTAIN, Idempotency
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES
from fleetwrite.settings import LEASE_MARGIN_S

each = pytest.mark.parametrize("connector", list(Registry.load()), ids=lambda connector: connector.manifest.slug)


@each
def test_a_lease_outlasts_the_time_in_which_a_provider_may_still_commit(connector: Connector) -> None:
    """Whoever takes over a lease looks at once, so that the margin must be enough for the provider to settle."""
    assert 0 < connector.manifest.reconciliation.settle_s < LEASE_MARGIN_S


@each
def test_who_says_that_calls_need_a_session_knows_how_to_get_one(connector: Connector) -> None:
    gives_sessions = connector.manifest.login.has_session or connector.manifest.consent is not None
    assert isinstance(connector, SessionConnector) == gives_sessions
    assert bool(connector.manifest.session) == gives_sessions


@each
def test_each_kind_of_write_falls_under_one_offer(connector: Connector) -> None:
    offers = connector.manifest.offers
    keys = {(offer.resource, offer.operation_type, offer.kind) for offer in offers}
    assert len(keys) == len(offers)
    for offer in offers:
        if offer.kind is not None:
            assert (offer.resource, offer.operation_type, None) not in keys
        assert connector.manifest.offer_of(offer.resource, offer.operation_type, offer.kind) is offer


@each
def test_what_is_told_by_a_key_names_it(connector: Connector) -> None:
    for offer in connector.manifest.offers:
        if offer.idempotency in {Idempotency.NATURAL_KEY, Idempotency.LEDGER}:
            assert offer.natural_key
        assert (offer.idempotency is Idempotency.READ_BACK) == (
            offer.operation_type is ResourceOperationTypeEnum.UPDATE
        )


@each
def test_every_connection_may_choose_what_becomes_of_the_unknown(connector: Connector) -> None:
    assert ON_UNCERTAIN in connector.manifest.settings


def test_what_is_not_offered_has_no_offer() -> None:
    manifest = Registry.load().get("samsara").manifest
    assert manifest.offer_of(ResourceEnum.MESSAGE, ResourceOperationTypeEnum.UPDATE) is None
    assert manifest.offer_of(ResourceEnum.USER, ResourceOperationTypeEnum.CREATE) is None


@pytest.mark.parametrize("operation_type", list(ResourceOperationTypeEnum))
def test_kinds_of_record_that_can_all_be_looked_up_are(operation_type: ResourceOperationTypeEnum) -> None:
    body_type = WRITE_BODIES[ResourceEnum.USER, operation_type]
    write = Write(
        operation_id=UUID(int=1),
        resource=ResourceEnum.USER,
        operation_type=operation_type,
        body=msgspec.convert({"connection_id": UUID(int=0)}, body_type),
    )
    assert Registry.load().get("samsara").can_look_up(write)


def test_credentials_are_held_to_the_way_by_which_they_came() -> None:
    manifest = Registry.load().get("samsara").manifest
    assert manifest.consent is not None
    assert manifest.with_login_of({"token"}) is manifest
    assert manifest.with_login_of(()) is manifest
    assert manifest.with_login_of({"client_id", "token"}) is manifest
    consented = manifest.with_login_of({"client_id", "refresh_token"})
    assert (consented.credential_shape, consented.credentials) == ("samsara", manifest.consent.credentials)
