import re
from pathlib import Path

from fleetwrite.contract.event_names import WebhookEventNameEnum
from fleetwrite.contract.telematics import WRITE_BODIES
from fleetwrite.records.models import Verb
from fleetwrite.webhooks.catalogue import FIRED, event_page

ROOT = Path(__file__).parents[3]


def test_the_published_page_is_what_the_code_says() -> None:
    page = ROOT / "docs" / "reference" / "events.md"
    assert page.read_text() == event_page(), "run `fleetwrite events > docs/reference/events.md`"


def test_the_page_lists_every_event_of_the_contract_once() -> None:
    listed = re.findall(r"^\| `([\w.]+)` \|", event_page(), re.MULTILINE)
    assert listed == [name for name in WebhookEventNameEnum if not name.endswith(".*")]


def test_an_event_is_in_the_catalogue_exactly_where_the_code_fires_it() -> None:
    package = ROOT / "src" / "fleetwrite"
    texts = [
        file.read_text()
        for file in package.rglob("*.py")
        if file.parent.name != "contract" and file != package / "webhooks" / "catalogue.py"
    ]
    spelt = {name for text in texts for name in re.findall(r'"(\w+\.\w+)"', text)}
    members = {name for text in texts for name in re.findall(r"WebhookEventNameEnum\.([A-Z_]+)", text)}
    spelt |= {f"{resource}.{verb}" for resource, _ in WRITE_BODIES for verb in Verb}
    assert {name for name in WebhookEventNameEnum if name in spelt or name.name in members} == set(FIRED)
