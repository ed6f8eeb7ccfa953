"""The tables against the contract: nothing may be dropped because nobody thought of it."""

import re

import pytest

from fleetwrite.connectors.geotab import mapping
from fleetwrite.connectors.geotab.connector import CONNECTOR
from fleetwrite.connectors.sdk.mapping import Coded, NoPlace
from fleetwrite.contract.enums import DvirLogTypeEnum, EngineType, MessagePriorityEnum, ResourceEnum
from fleetwrite.contract.telematics import WRITE_BODIES

OFFERS = {f"{offer.resource}.{offer.operation_type}": offer for offer in CONNECTOR.manifest.offers}


@pytest.mark.parametrize("name", OFFERS)
def test_every_field_of_the_contract_has_a_row(name: str) -> None:
    offer = OFFERS[name]
    # What is fanned out has the table of the message that each gets.
    resource = ResourceEnum.MESSAGE if offer.is_fanned_out else offer.resource
    body = WRITE_BODIES[resource, offer.operation_type]
    # The connection routes the write and is no part of it.
    assert set(offer.table) == set(body.__struct_fields__) - {"connection_id"}


@pytest.mark.parametrize("name", OFFERS)
def test_every_loss_has_a_reason_in_a_sentence(name: str) -> None:
    rules = OFFERS[name].table.values()
    reasons = [rule.reason for rule in rules if isinstance(rule, NoPlace)]
    reasons += [rule.otherwise for rule in rules if isinstance(rule, Coded) and rule.otherwise]
    assert all(reason.endswith(".") and reason[0].isupper() for reason in reasons)


def test_every_write_of_the_contract_is_offered() -> None:
    assert {(offer.resource, offer.operation_type) for offer in OFFERS.values()} == set(WRITE_BODIES)


def test_fuels_without_a_product_are_known() -> None:
    assert set(EngineType) - set(mapping.FUEL_TYPES) == {EngineType.METHANOL, EngineType.LNG, EngineType.HYBRID}


def test_every_inspection_has_a_type() -> None:
    assert set(mapping.LOG_TYPES) == set(DvirLogTypeEnum)


def test_only_a_low_priority_is_lost() -> None:
    rule = mapping.MESSAGE["priority"]
    assert isinstance(rule, Coded)
    assert set(MessagePriorityEnum) - set(rule.codes) == {MessagePriorityEnum.LOW}


def test_countries_have_one_code_each_way() -> None:
    assert all(
        re.fullmatch("[A-Z]{3}", long) and re.fullmatch("[A-Z]{2}", short) for long, short in mapping.COUNTRIES.items()
    )
    assert len(set(mapping.COUNTRIES.values())) == len(mapping.COUNTRIES)


def test_every_budget_is_one_of_geotabs_operations() -> None:
    scopes = [budget.scope for budget in CONNECTOR.manifest.budgets]
    assert len(set(scopes)) == len(scopes)
    assert all(re.fullmatch("Authenticate|(Get|GetCountOf|GetFeed|Add|Set) [A-Za-z]+", scope) for scope in scopes)
