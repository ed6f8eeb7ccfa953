import pytest

from fleetwrite.connections.errors import BadConnectionFieldsError
from fleetwrite.connections.fields import base_url, check_fields, mask
from fleetwrite.connectors.sdk.manifest import ON_UNCERTAIN, Field, LoginScheme, Manifest, Reconciliation
from fleetwrite.contract.tsps import TspEnum

MANIFEST = Manifest(
    slug="acme",
    name="Acme Telematics",
    source_name=TspEnum.SAMSARA,
    login=LoginScheme.BEARER,
    credential_shape="token",
    credentials=(
        Field(name="client_id", label="Client", description="From the dashboard."),
        Field(name="token", label="Token", description="Ask the administrator.", sensitive=True),
        Field(name="account", label="Account", description="Any.", required=False),
    ),
    settings=(
        Field(name="region", label="Region", description="us or eu.", required=False),
        Field(name="base_url", label="Address", description="Instead of the region's.", required=False),
        ON_UNCERTAIN,
    ),
    regions={"us": "https://us.example/", "eu": "https://eu.example"},
    offers=(),
    listings=(),
    budgets=(),
    timeout_s=10,
    reconciliation=Reconciliation(settle_s=1, clock_allowance_s=1),
)
CREDENTIALS = {"client_id": "c-1", "token": "t0psecret"}


def faults_of(credentials: dict[str, str], settings: dict[str, str]) -> dict[str, str]:
    with pytest.raises(BadConnectionFieldsError) as caught:
        check_fields(MANIFEST, credentials, settings)
    return {fault.field: fault.message for fault in caught.value.faults}


def test_what_the_manifest_asks_for_is_right() -> None:
    check_fields(MANIFEST, CREDENTIALS, {})
    check_fields(MANIFEST, {**CREDENTIALS, "account": ""}, {"region": "eu", "base_url": "http://[::1]:8080/x"})


def test_all_faults_are_named_at_once_each_with_its_remedy() -> None:
    faults = faults_of({"client_id": "", "tokn": "x"}, {"region": "mars"})
    assert faults == {
        "credentials.client_id": "is missing. From the dashboard.",
        "credentials.token": "is missing. Ask the administrator.",
        "credentials.tokn": "is unknown; there are: account, client_id, token.",
        "settings.region": "must be one of: us, eu.",
    }


@pytest.mark.parametrize("value", ["s3cret\0", "s3cret" * 10_000])
def test_a_value_that_can_not_be_kept_is_refused_and_not_repeated(value: str) -> None:
    faults = faults_of({**CREDENTIALS, "token": value}, {})
    assert "s3cret" not in faults["credentials.token"]


@pytest.mark.parametrize(
    "url", ["", "api.example", "ftp://api.example", "https://", "https://a.example/?q=1", "http://[", "https:///x"]
)
def test_a_base_url_must_be_an_http_url(url: str) -> None:
    assert "credentials.url" in faults_of(CREDENTIALS, {"base_url": url})


@pytest.mark.parametrize("value", ["", "Retry", "retry "])
def test_a_field_with_choices_takes_no_other_value(value: str) -> None:
    check_fields(MANIFEST, CREDENTIALS, {"on_uncertain": "retry"})
    assert faults_of(CREDENTIALS, {"on_uncertain": value}) == {"settings.on_uncertain": "must be one of: fail, retry."}


def test_what_is_shown_has_the_contract_s_shape_and_its_secrets_masked() -> None:
    settings = {"base_url": "https://own.example"}
    assert mask(MANIFEST, {**CREDENTIALS, "old_key": "x"}, settings) == {
        "token": "*****",
        "url": "https://own.example",
    }
    assert mask(MANIFEST, {}, {}) == {"token": "*****"}


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://us.example"),
        ({"region": "eu"}, "https://eu.example"),
        ({"base_url": "http://127.0.0.1:9/samsara/"}, "http://127.0.0.1:9/samsara"),
        ({"region": "eu", "base_url": "http://proxy"}, "http://proxy"),
    ],
)
def test_the_address_is_the_account_s_own_else_its_region_s_else_the_first_region_s(
    settings: dict[str, str], address: str
) -> None:
    assert base_url(MANIFEST, settings) == address


def test_a_region_that_is_gone_from_the_manifest_is_an_error() -> None:
    with pytest.raises(BadConnectionFieldsError, match=r"settings\.region"):
        base_url(MANIFEST, {"region": "mars"})
