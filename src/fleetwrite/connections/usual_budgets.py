"""The limits that hold at each provider as long as nobody chose others for a connection."""

from collections.abc import Mapping

from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.dispatch.models import BudgetLimit
from fleetwrite.settings import SettingsError, TspSettings

UsualBudgets = Mapping[str, tuple[BudgetLimit, ...]]
"""By the provider's slug."""


def usual_budgets(registry: Registry, settings: Mapping[str, TspSettings]) -> UsualBudgets:
    """What the connectors' manifests say, and in its place what the operator does.

    Raises:
        SettingsError: the settings name a provider or a scope that does not exist.
    """
    manifests = {connector.manifest.slug: connector.manifest for connector in registry}
    unknown = sorted(settings.keys() - manifests.keys())
    if unknown:
        raise SettingsError(f"tsp.{unknown[0]}: there is no such provider; there are: {', '.join(sorted(manifests))}.")
    usual: dict[str, tuple[BudgetLimit, ...]] = {}
    for slug, manifest in manifests.items():
        wanted = settings[slug].budgets if slug in settings else {}
        scopes = sorted(budget.scope for budget in manifest.budgets)
        for scope in wanted:
            if scope not in scopes:
                raise SettingsError(
                    f'tsp.{slug}.budgets."{scope}": no call has this scope; the scopes are: {", ".join(scopes)}.'
                )
        usual[slug] = tuple(
            BudgetLimit(
                scope=budget.scope,
                requests=limit.requests,
                per_seconds=limit.per_seconds,
                in_flight=limit.in_flight,
                shared=budget.shared,
            )
            for budget in manifest.budgets
            for limit in (wanted.get(budget.scope, budget),)
        )
    return usual
