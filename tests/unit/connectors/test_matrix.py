"""The page that shows side by side what each provider takes."""

from pathlib import Path

from fleetwrite.connectors.sdk.matrix import matrix
from fleetwrite.connectors.sdk.registry import Registry

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "connectors.md"
MANIFESTS = [connector.manifest for connector in Registry.load()]


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == matrix(MANIFESTS), "run `fleetwrite connectors > docs/reference/connectors.md`"


def test_each_offer_and_listing_is_in_its_providers_column() -> None:
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in matrix(MANIFESTS).splitlines() if "|" in line]
    head = next(row for row in rows if row[0] == "write")
    for manifest in MANIFESTS:
        column = head.index(manifest.name)
        offered = {(offer.operation_type, offer.resource) for offer in manifest.offers}
        listed = {listing.resource for listing in manifest.listings}
        filled = {row[0] for row in rows if row[0].count("`") == 2 and len(row) == len(head) and row[column]}

        assert filled == {f"{verb} `{resource}`" for verb, resource in offered} | {f"`{one}`" for one in listed}
