"""The limits that hold as long as nobody chose others: the connector's, or the operator's in their place."""

from pathlib import Path

import pytest

from fleetwrite.connections.usual_budgets import usual_budgets
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.dispatch.models import BudgetLimit
from fleetwrite.settings import BudgetSettings, Settings, SettingsError, TspSettings, reference

TRAILERS = "endpoint:POST /fleet/trailers"


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


def limits(registry: Registry, **budgets: BudgetSettings) -> dict[str, BudgetLimit]:
    settings = {"samsara": TspSettings(budgets=budgets)} if budgets else {}
    return {limit.scope: limit for limit in usual_budgets(registry, settings)["samsara"]}


def test_without_settings_they_are_the_connectors(registry: Registry) -> None:
    manifest = registry.get("samsara").manifest
    assert [
        (limit.scope, limit.requests, limit.per_seconds, limit.in_flight, limit.shared)
        for limit in usual_budgets(registry, {})["samsara"]
    ] == [
        (budget.scope, budget.requests, budget.per_seconds, budget.in_flight, budget.shared)
        for budget in manifest.budgets
    ]


def test_a_setting_takes_the_place_of_all_numbers_of_its_scope_and_of_no_other(registry: Registry) -> None:
    before = limits(registry)
    after = limits(registry, organization=BudgetSettings(in_flight=4))
    assert after["organization"] == BudgetLimit(scope="organization", in_flight=4, shared=True)
    assert {scope: after[scope] for scope in after if scope != "organization"} == {
        scope: before[scope] for scope in before if scope != "organization"
    }


def test_a_provider_that_does_not_exist_is_named_with_those_that_do(registry: Registry) -> None:
    with pytest.raises(SettingsError, match=r"tsp\.samsarra: .*samsara"):
        usual_budgets(registry, {"samsarra": TspSettings()})


def test_a_scope_that_does_not_exist_is_named_with_those_that_do(registry: Registry) -> None:
    with pytest.raises(SettingsError) as refused:
        limits(registry, tokens=BudgetSettings(requests=1, per_seconds=1.0))
    assert 'tsp.samsara.budgets."tokens"' in str(refused.value)
    assert all(scope in str(refused.value) for scope in ("token", "organization", TRAILERS))


def test_the_example_in_the_reference_works(registry: Registry, tmp_path: Path) -> None:
    text = reference()
    config = tmp_path / "fleetwrite.toml"
    config.write_text("\n".join(line.removeprefix("# ") for line in text[text.index("# [tsp.") :].splitlines()))
    usual = usual_budgets(registry, Settings.load({}, config).tsp)["samsara"]
    assert BudgetLimit(scope=TRAILERS, requests=100, per_seconds=60.0, in_flight=10, shared=True) in usual
