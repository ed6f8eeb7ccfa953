"""Every page is tried with another fleet's ids, also those that are still to come."""

import itertools
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import pytest

from fleetwrite.connect.app import PAGES
from integration.connect.place import Place
from integration.connect.test_coming_back import agreement_of, registered

TEXTS: Mapping[str, tuple[str, ...]] = {"slug": ("geotab", "motive", "samsara"), "change": ("pause", "resume")}
"""Parameters of paths that are no ids, and what they may be."""

NOWHERE = "00000000-0000-4000-8000-000000000000"


def calls(pages: Mapping[str, Mapping[str, object]]) -> Iterator[tuple[str, str]]:
    """Each page's method and path, once for each of its texts; ids stand as `{connection_id}`."""
    for path, handlers in pages.items():
        names = [name for name in re.findall(r"{(\w+)}", path) if name in TEXTS]
        for texts in itertools.product(*(TEXTS[name] for name in names)):
            filled = path
            for name, text in zip(names, texts, strict=True):
                filled = filled.replace(f"{{{name}}}", text)
            for method in handlers:
                yield method, filled


def filled(path: str, ids: Mapping[str, str]) -> str:
    for name in re.findall(r"{(\w+)}", path):
        assert name in ids, f"{path} has an id {name!r} that is tried by nobody: give the fleets here one of it."
        path = path.replace(f"{{{name}}}", ids[name])
    return path


@pytest.mark.parametrize(("method", "path"), list(calls(PAGES)))
async def test_a_fleet_that_came_back_gets_nowhere_with_another_one_s_ids(place: Place, method: str, path: str) -> None:
    async with place.visitor() as other:
        foreign_email, foreign = await registered(place, other)
    agreement, connections = await agreement_of(place, foreign), await place.connected(foreign)
    ids = {
        "agreement_id": str(agreement.id),
        "connection_id": str(connections[0].id),
        "fleet_id": str(foreign),
    }

    answers = []
    for tried in (ids, dict.fromkeys(ids, NOWHERE)):
        async with place.visitor() as visitor:
            email, _ = await registered(place, visitor)
            page = await place.come_back(visitor, email)
            fields = {"connection": tried["connection_id"]}
            form = {**page.document.forms["/connect/sign-out"].fields, **fields} if method == "POST" else None
            answers.append(await visitor.send(method, f"{filled(path, tried)}?{urlencode(fields)}", form))
        told = f"{answers[-1].headers} {answers[-1].document.source}".lower()
        assert not any(text in told for text in (*ids.values(), foreign_email.lower()))

    assert answers[0].status == answers[1].status
    assert await agreement_of(place, foreign) == agreement
    assert await place.connected(foreign) == connections
