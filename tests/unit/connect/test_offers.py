import pytest

from fleetwrite.connect.offers import Offer, Offers, check_settings
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.settings import AppSettings, Settings, SettingsError, TspSettings

REGISTRY = Registry.load()
APP = AppSettings(client_id="app", client_secret="s3cret")


def offer(slug: str, tsp: TspSettings | None = None) -> Offer:
    return Offers(REGISTRY, Settings(tsp={} if tsp is None else {slug: tsp}), None).get(slug)


@pytest.mark.parametrize(
    ("slug", "app", "has_form", "has_consent"),
    [
        ("motive", None, False, False),
        ("motive", APP, False, True),
        ("samsara", None, True, False),
        ("samsara", APP, True, True),
        ("geotab", None, True, False),
    ],
)
def test_a_fleet_is_sent_to_consent_where_the_operator_has_an_app(
    slug: str, app: AppSettings | None, has_form: bool, has_consent: bool
) -> None:
    offered = offer(slug, TspSettings(app=app))
    assert (offered.has_form, offered.has_consent) == (has_form, has_consent)


def test_who_has_neither_form_nor_app_is_not_offered() -> None:
    slugs = [one.manifest.slug for one in Offers(REGISTRY, Settings(), None).find("")]
    assert "motive" not in slugs
    assert "samsara" in slugs


def test_every_form_asks_for_all_that_is_required() -> None:
    for connector in REGISTRY:
        form = offer(connector.manifest.slug).form({})
        required = {
            *(f"credentials.{field.name}" for field in connector.manifest.credentials if field.required),
            *(f"settings.{field.name}" for field in connector.manifest.settings if field.required),
        }
        assert required <= {one.name for one in form.inputs}
        assert not [one for one in form.more if one.is_required]


def test_a_secret_is_never_filled_in() -> None:
    for connector in REGISTRY:
        given = {f"credentials.{field.name}": "s3cret" for field in connector.manifest.credentials}
        form = offer(connector.manifest.slug).form(given)
        assert not [one.name for one in (*form.inputs, *form.more) if one.is_secret and one.value]


def test_who_consents_may_choose_a_region_and_no_address() -> None:
    form = {"settings.region": "eu", "settings.base_url": "https://evil.example", "settings.office_role_id": "7"}
    assert offer("samsara", TspSettings(app=APP)).consent_settings(form) == {"region": "eu"}
    preset = TspSettings(app=APP, connect={"region": "ca"})
    assert offer("samsara", preset).consent_settings(form) == {"region": "ca"}


def test_an_address_that_is_set_for_all_makes_regions_meaningless() -> None:
    preset = offer("samsara", TspSettings(app=APP, connect={"base_url": "https://proxy.example"}))
    assert preset.regions({}) == ()
    assert offer("samsara", TspSettings(app=APP)).regions({"settings.region": "eu"})[0].value == "eu"


@pytest.mark.parametrize(
    ("slug", "tsp", "words"),
    [
        ("samsara", TspSettings(connect={"regoin": "eu"}), "tsp.samsara.connect.regoin: is unknown"),
        ("samsara", TspSettings(connect={"region": "mars"}), "tsp.samsara.connect.region: must be one of"),
        ("traccar", TspSettings(connect={"base_url": "nowhere"}), "tsp.traccar.connect.base_url: must be"),
        ("geotab", TspSettings(app=APP), "tsp.geotab.app: Geotab has no page"),
    ],
)
def test_what_no_fleet_could_put_right_is_refused_at_the_start(slug: str, tsp: TspSettings, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        check_settings(REGISTRY, Settings(tsp={slug: tsp}))


def test_what_is_set_for_all_need_not_be_all() -> None:
    check_settings(
        REGISTRY, Settings(tsp={"traccar": TspSettings(), "samsara": TspSettings(connect={"region": "eu"}, app=APP)})
    )
