"""Compares the endpoints that read records with the facts of the contract: paths, scopes, filters, answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from fleetwrite.api.app import openapi_json
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.contract import enums, telematics_reads

FACTS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "contract" / "telematics.json").read_text()
)
DOCUMENT: dict[str, Any] = json.loads(openapi_json(Registry.load().source_names))

# No provider's defects are pulled as records of their own; docs/compatibility.md says so.
NOT_SERVED = {"get_dvir_log_defects", "list_dvir_log_defects"}

SERVED = [read for read in FACTS["reads"] if read["operation_id"] not in NOT_SERVED]
each_read = pytest.mark.parametrize("read", SERVED, ids=lambda read: str(read["operation_id"]))


def documented(read: dict[str, Any]) -> dict[str, Any]:
    """What our document says of a read; it names the one id of a path `id`."""
    path, _, parameter = read["path"].partition("{")
    found: dict[str, Any] = DOCUMENT["paths"][f"{path}{{id}}" if parameter else path]["get"]
    return found


def query_parameters(read: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one["schema"] for one in documented(read)["parameters"] if one["in"] == "query"}


def told(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema as facts. That it may be left out is how null comes into ours."""
    options = [option for option in schema.get("anyOf", [schema]) if option != {"type": "null"}]
    (option,) = options
    facts = {key: option[key] for key in ("type", "format", "items", "minimum", "maximum", "maxItems") if key in option}
    if option.get("enum") == [order.value for order in enums.SortOrder]:
        facts |= {"type": "string", "enum": "SortOrder"}
    if schema.get("default") is not None:
        facts["default"] = schema["default"]
    return facts


def test_every_read_of_the_contract_is_served_or_left_out_on_purpose() -> None:
    ours = {
        one["get"]["operationId"]
        for path, one in DOCUMENT["paths"].items()
        if path.startswith("/v2/telematics/") and "get" in one
    }
    assert ours == {read["operation_id"] for read in SERVED}
    assert {read["operation_id"] for read in FACTS["reads"]} - ours == NOT_SERVED


@each_read
def test_a_read_is_where_the_contract_has_it_and_answers_with_its_model(read: dict[str, Any]) -> None:
    ours = documented(read)

    assert ours["operationId"] == read["operation_id"]
    assert ours["security"] == [{"Bearer": [read["scope"]]}]
    answer = ours["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert answer == (f"CountedCursorPage_{read['model']}_" if read["is_page"] else read["model"])
    assert hasattr(telematics_reads, read["model"])


@each_read
def test_a_read_takes_exactly_the_filters_of_the_contract(read: dict[str, Any]) -> None:
    assert query_parameters(read).keys() == set(read["query"])


@each_read
def test_every_filter_is_what_the_contract_says(read: dict[str, Any]) -> None:
    ours = {name: told(schema) for name, schema in query_parameters(read).items()}
    theirs = {
        name: {key: value for key, value in FACTS["query_parameters"][name].items() if key != "nullable"}
        for name in read["query"]
    }
    assert ours == theirs


@each_read
def test_a_list_can_be_sorted_by_fields_of_its_model_only(read: dict[str, Any]) -> None:
    if not read["is_page"]:
        assert "sort_by" not in query_parameters(read)
        return
    options = query_parameters(read)["sort_by"]["anyOf"]
    (allowed,) = [option["enum"] for option in options if option != {"type": "null"}]
    assert "occurred_at" in allowed
    assert set(allowed) <= FACTS["models"][read["model"]].keys()
