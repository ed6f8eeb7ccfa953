"""A page that shows side by side what each provider takes, drawn from the manifests."""

from collections.abc import Iterable
from typing import Final

from fleetwrite.connectors.sdk.capabilities import GroupSending, group_sending
from fleetwrite.connectors.sdk.manifest import Idempotency, Manifest, Offer
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES

_HEAD: Final = """\
# What each provider takes

Made by `fleetwrite connectors` from the connectors' manifests; do not edit it. Field by field, and as JSON Schemas:
`GET /v2/fleetwrite/tsps/{slug}/capabilities`.

## Writes

A cell says by what a write is told at the provider when its answer was lost, so that it is not made twice:

| word | meaning |
|---|---|
| id | the provider keeps our operation's id with the record |
| key | by what it says, such as recipient, text and time |
| read back | an update: the record is read, and writing it again does no harm |
| ledger | nothing can be read; our own ledger keeps a second write from saying the same |
| none | nobody can tell: it is sent once, and ends as `outcome_unknown` when its answer is lost |

An empty cell: the provider does not offer it (501). `1 by 1`: a group message is sent as a message to each recipient.
"""

_LISTINGS: Final = """
## Lists

Records that are read from the provider; `changes`: after a first reading of all, only what changed since.
"""

_WORDS: Final = {
    Idempotency.EXTERNAL_ID: "id",
    Idempotency.NATURAL_KEY: "key",
    Idempotency.READ_BACK: "read back",
    Idempotency.LEDGER: "ledger",
    Idempotency.NONE: "none",
}


def matrix(manifests: Iterable[Manifest]) -> str:
    """The page, as Markdown."""
    columns = sorted(manifests, key=lambda manifest: manifest.slug)
    names = [manifest.name for manifest in columns]
    writes = [
        [f"{operation_type.value} `{resource.value}`", *(_write(one, resource, operation_type) for one in columns)]
        for resource, operation_type in WRITE_BODIES
    ]
    listed = [one for one in ResourceEnum if any(one is of.resource for each in columns for of in each.listings)]
    lists = [[f"`{resource.value}`", *(_listing(one, resource) for one in columns)] for resource in listed]
    return _HEAD + "\n" + _table(["write", *names], writes) + _LISTINGS + "\n" + _table(["list", *names], lists)


def _write(manifest: Manifest, resource: ResourceEnum, operation_type: ResourceOperationTypeEnum) -> str:
    offers = [one for one in manifest.offers if (one.resource, one.operation_type) == (resource, operation_type)]
    words = ", ".join(map(_offer, offers))
    is_split = resource is ResourceEnum.GROUP_MESSAGE and group_sending(manifest) is GroupSending.ONE_BY_ONE
    return f"{words}, 1 by 1" if is_split else words


def _offer(offer: Offer) -> str:
    word = _WORDS[offer.idempotency]
    return word if offer.kind is None else f"{offer.kind}: {word}"


def _listing(manifest: Manifest, resource: ResourceEnum) -> str:
    for listing in manifest.listings:
        if listing.resource is resource:
            return "changes" if listing.tells_changes else "all"
    return ""


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
