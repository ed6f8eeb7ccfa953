"""Settings: where they come from, which wins, and what is refused with which words."""

import tomllib
from ipaddress import ip_network
from pathlib import Path

import msgspec
import pytest

from fleetwrite.settings import LEASE_MARGIN_S, BudgetSettings, Settings, SettingsError, reference

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "settings.toml"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A settings file, to be filled."""
    return tmp_path / "fleetwrite.toml"


def test_without_anything_the_defaults_hold() -> None:
    assert Settings.load({}) == Settings()


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(config: Path) -> None:
    config.write_text("api_port = 1\nworker_port = 1\nbacklog_cap = 1\n")
    environment = {"FLEETWRITE_API_PORT": "2", "FLEETWRITE_WORKER_PORT": "2"}
    settings = Settings.load(environment, config, api_port=3, worker_port=None)
    assert (settings.api_port, settings.worker_port, settings.backlog_cap) == (3, 2, 1)


def test_the_environment_can_name_the_file(config: Path) -> None:
    config.write_text('log_level = "debug"\n')
    assert Settings.load({"FLEETWRITE_CONFIG": str(config)}).log_level == "debug"


def test_the_file_of_the_command_line_wins_over_that_of_the_environment(config: Path, tmp_path: Path) -> None:
    config.write_text('log_level = "error"\n')
    assert Settings.load({"FLEETWRITE_CONFIG": str(tmp_path / "absent.toml")}, config).log_level == "error"


def test_the_name_that_hosting_platforms_set_is_understood_and_ours_wins() -> None:
    assert Settings.load({"DATABASE_URL": "postgresql://a"}).database_url == "postgresql://a"
    both = {"FLEETWRITE_DATABASE_URL": "postgresql://b", "DATABASE_URL": "postgresql://a"}
    assert Settings.load(both).database_url == "postgresql://b"
    assert Settings.load({"DATABASE_URL": ""}).database_url is None


def test_variables_of_others_are_left_alone() -> None:
    assert Settings.load({"PATH": "/bin", "FLEETWRITER": "x", "API_PORT": "1"}) == Settings()


@pytest.mark.parametrize(("text", "meant"), [("true", True), ("1", True), ("false", False), ("0", False)])
def test_booleans_of_the_environment(text: str, meant: bool) -> None:
    assert Settings.load({"FLEETWRITE_SYNC_EVENTS": text}).sync_events is meant


def test_numbers_of_the_environment() -> None:
    settings = Settings.load({"FLEETWRITE_SYNC_DEADLINE_S": "2.5", "FLEETWRITE_BACKLOG_CAP": "7"})
    assert (settings.sync_deadline_s, settings.backlog_cap) == (2.5, 7)


@pytest.mark.parametrize("text", ["10.1.0.0/16,fd00::/8", " 10.1.0.0/16 , fd00::/8 ,"])
def test_lists_of_the_environment_have_commas(text: str) -> None:
    settings = Settings.load({"FLEETWRITE_OUTBOUND_ALLOWED_NETWORKS": text})
    assert settings.allowed_networks == (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))


def test_an_empty_list_of_the_environment_is_empty(config: Path) -> None:
    config.write_text('outbound_allowed_networks = ["10.1.0.0/16"]\n')
    assert Settings.load({"FLEETWRITE_OUTBOUND_ALLOWED_NETWORKS": ""}, config).outbound_allowed_networks == ()


def test_lists_of_the_file_are_lists(config: Path) -> None:
    config.write_text('outbound_allowed_networks = ["10.1.0.0/16"]\n')
    assert Settings.load({}, config).outbound_allowed_networks == ("10.1.0.0/16",)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"FLEETWRITE_LEASE": "60"}, ["FLEETWRITE_LEASE", "no setting lease"]),
        ({"FLEETWRITE_API_PORT": "http"}, ["api_port"]),
        ({"FLEETWRITE_API_PORT": "65536"}, ["api_port", "65535"]),
        ({"FLEETWRITE_SYNC_EVENTS": "yes"}, ["sync_events", "bool"]),
        ({"FLEETWRITE_LOG_LEVEL": "loud"}, ["log_level"]),
        ({"FLEETWRITE_BACKLOG_CAP": "0"}, ["backlog_cap", ">= 1"]),
        ({"FLEETWRITE_OUTBOUND_ALLOWED_NETWORKS": "10.1.0.5/16"}, ["outbound_allowed_networks", "10.1.0.0/16"]),
        ({"FLEETWRITE_TSP": "{}"}, ["FLEETWRITE_TSP", "table", "FLEETWRITE_CONFIG"]),
        ({"FLEETWRITE_CONFIG": "/nowhere/fleetwrite.toml"}, ["can not be read", "/nowhere/fleetwrite.toml"]),
    ],
)
def test_what_is_wrong_is_named(environment: dict[str, str], words: list[str]) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.load(environment)
    assert [word for word in words if word not in str(refused.value)] == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"api_port 8080\n", ["not valid TOML", "line 1"]),
        (b"lease = 60\n", ["unknown field", "lease"]),
        (b'api_port = "http"\n', ["api_port"]),
        (b'log_level = "gr\xfc\xdf"\n', ["not valid TOML"]),
        (b"[tsp.samsara.budgets.token]\nrequests = 0\n", [">= 1", '$.tsp.samsara.budgets."token".requests']),
        (b"[tsp.samsara]\nretry_cap_s = 0\n[tsp.acme]\n", ["> 0", "$.tsp.samsara.retry_cap_s"]),
        (b"[tsp]\nsamsara = 7\n", ["$.tsp.samsara"]),
        (b"tsp = 7\n", ["$.tsp"]),
        (b"[tsp.samsara.budgets.token]\nrequests = 7\n", ['tsp.samsara.budgets."token"', "per_seconds"]),
        (b"[tsp.samsara.budgets.token]\n", ['tsp.samsara.budgets."token"', "in_flight"]),
        (b"[tsp.samsara.connect]\nregion = 5\n", ["str", "$.tsp.samsara.connect"]),
        (b'[tsp.motive.app]\nclient_id = "x"\n', ["client_secret", "$.tsp.motive.app"]),
        (b"[tsp.samsara]\nbudget = {}\n", ["unknown field", "budget", "$.tsp.samsara"]),
    ],
)
def test_what_is_wrong_in_a_file_is_named(config: Path, content: bytes, words: list[str]) -> None:
    config.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        Settings.load({}, config)
    assert [word for word in words if word not in str(refused.value)] == []


def test_limits_of_single_providers_come_from_the_file(config: Path) -> None:
    config.write_text('[tsp.samsara.budgets."endpoint:POST /fleet/trailers"]\nrequests = 7\nper_seconds = 3\n')
    budgets = Settings.load({}, config).tsp["samsara"].budgets
    assert budgets == {"endpoint:POST /fleet/trailers": BudgetSettings(requests=7, per_seconds=3.0)}


def test_a_secret_in_a_setting_that_is_wrong_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.load({"DATABASE_URL": "postgresql://user:hunter2@host/db", "FLEETWRITE_API_PORT": "x"})
    assert "hunter2" not in str(refused.value)


def test_a_lease_must_outlast_the_longest_attempt() -> None:
    least_s = Settings().attempt_lasts_s + LEASE_MARGIN_S
    assert Settings.load({}, lease_s=least_s).lease_s == least_s
    with pytest.raises(SettingsError, match=f"set lease_s to {least_s:g} or more"):
        Settings.load({}, lease_s=least_s - 0.1)
    with pytest.raises(SettingsError, match="provider_timeout_s lower"):
        Settings.load({}, provider_timeout_s=120.0)
    assert Settings.load({}, provider_timeout_s=120.0, lease_s=200.0).provider_timeout_s == 120.0


def test_a_look_at_the_provider_is_given_up_no_later_than_a_write() -> None:
    assert Settings.load({}, provider_timeout_s=3.0).read_timeout_s == 3.0
    assert Settings().read_timeout_s < Settings().provider_timeout_s


def test_every_setting_is_described_and_the_reference_is_valid_toml() -> None:
    # The tables at the end have their test where providers are known.
    commented = reference().partition("# [")[0].splitlines()
    fields = [field for field in msgspec.structs.fields(Settings) if field.default is not msgspec.NODEFAULT]
    assert all(any(line.startswith(f"# {field.name} = ") for line in commented) for field in fields)
    plain = "\n".join(
        line.removeprefix("# ")
        for line in commented
        if any(line.startswith(f"# {field.name} = ") for field in fields) and not line.endswith("= ...")
    )
    assert msgspec.convert(tomllib.loads(plain), Settings) == Settings()


def test_the_reference_in_the_documentation_is_what_the_command_prints() -> None:
    assert REFERENCE.read_text() == reference(), "run `fleetwrite settings > docs/reference/settings.toml`"


@pytest.mark.parametrize(
    "url",
    ["mail.example", "https://mail.example", "smtp://", "smtp://user:hunter2@[broken", "smtps://mail.example:99999"],
)
def test_a_mail_server_that_can_not_be_one_is_refused_and_its_password_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match="smtp_url must be") as refused:
        Settings.load({}, smtp_url=url, mail_from="a@fw.example")
    assert "hunter2" not in str(refused.value)


def test_a_mail_server_and_the_address_that_mail_comes_from_go_together() -> None:
    for name, value in (("SMTP_URL", "smtps://mail.example"), ("MAIL_FROM", "a@fw.example")):
        with pytest.raises(SettingsError, match="go together"):
            Settings.load({f"FLEETWRITE_{name}": value})
    assert Settings.load({}, smtp_url="smtp+plain://127.0.0.1:25", mail_from="a@fw.example").mail_to_log is False
