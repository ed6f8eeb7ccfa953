"""Writes the folder of a new connector, and its test, from the texts in `templates`.

They make a connector to an invented provider (JSON, a bearer token, vehicles) that passes the suite as it is, so that
whoever makes a real one of it changes one thing at a time, and sees at once what that breaks.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.contract.tsps import TspEnum
from fleetwrite.kit.errors import FleetwriteError

CONNECTORS: Final = Path("src/fleetwrite/connectors")
TESTS: Final = Path("tests/connectors")

_SUFFIX: Final = ".tmpl"
_TEST: Final = "test_contract.py"

_SLUG: Final = re.compile(r"[a-z][a-z0-9_]*")
# It stands in strings, docstrings and lines of bounded length.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .&+'()-]{0,39}")
_IMPORTS: Final = re.compile(r"(?:^from \S+ import (?:\([^)]*\)|[^(\n]+)\n)+", re.MULTILINE)
_IMPORT: Final = re.compile(r"^from (\S+) import (?:\([^)]*\)|[^(\n]+)\n", re.MULTILINE)


class NewConnectorError(FleetwriteError):
    """A new connector can not be written like this; nothing was."""


def write_connector(slug: str, name: str | None, checkout: Path) -> list[Path]:
    """Write a connector that passes the suite, and the test that shows it.

    Args:
        slug: what the folder, the manifest and the contract call the provider.
        name: what people call it; None: made of the slug.
        checkout: the folder of Fleetwrite's source, with `src` and `tests` in it.

    Returns:
        The files, from `checkout` on.

    Raises:
        NewConnectorError: the slug or the name is none, or something is there already.
        OSError: a file can not be written.
    """
    _check_slug(slug)
    name = slug.replace("_", " ").title() if name is None else name
    if not _NAME.fullmatch(name):
        raise NewConnectorError(
            f"The name {name!r} can not stand in code: take at most 40 letters, digits, blanks and . & + ' ( ) -, "
            "beginning with a letter or a digit."
        )
    if not (checkout / CONNECTORS / "sdk").is_dir():
        raise NewConnectorError(
            f"{checkout} is not Fleetwrite's source: there is no {CONNECTORS}/sdk in it. Say with --to where that is."
        )
    for folder in (CONNECTORS / slug, TESTS / slug):
        if (checkout / folder).exists():
            raise NewConnectorError(f"{checkout / folder} is there already, and nothing in it is overwritten.")
    texts = _texts(slug, name)
    for path, text in texts.items():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        with (checkout / path).open("x", encoding="utf-8") as file:
            file.write(text)
    return list(texts)


def _check_slug(slug: str) -> None:
    if not _SLUG.fullmatch(slug):
        raise NewConnectorError(
            f"The slug {slug!r} can not name a folder of code: take small letters, digits and _, with a letter first."
        )
    if slug in {connector.manifest.slug for connector in Registry.load()}:
        raise NewConnectorError(f"There is a connector named {slug!r} already.")
    if slug not in set(TspEnum):
        near = get_close_matches(slug, list(TspEnum), n=3)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise NewConnectorError(
            f"The contract knows no provider {slug!r}: it is none of TspEnum, which lists every name that "
            "`source_name` may have. Clients that keep to that list would refuse whatever is read through such a "
            "connector. A brand of a provider in it takes that provider's name; any other has to be in the contract "
            f"first.{meant}"
        )


def _texts(slug: str, name: str) -> Mapping[Path, str]:
    """The files to write, from the checkout on."""
    class_name = "".join(part.title() for part in slug.split("_"))
    placeholders = {
        "slug": slug,
        "name": name,
        "provider": class_name,
        "connector": f"{class_name}Connector",
        "simulator": f"{class_name}Simulator",
    }
    texts = {CONNECTORS / slug / "__init__.py": ""}
    templates = files("fleetwrite.connectors.sdk") / "templates"
    for template in sorted(templates.iterdir(), key=lambda one: one.name):
        file = template.name.removesuffix(_SUFFIX)
        text = Template(template.read_text(encoding="utf-8")).substitute(placeholders)
        texts[(TESTS if file == _TEST else CONNECTORS) / slug / file] = _IMPORTS.sub(_in_order, text)
    return texts


def _in_order(block: re.Match[str]) -> str:
    """Imports as a linter wants them: where the connector's own belong depends on its slug."""
    return "".join(one[0] for one in sorted(_IMPORT.finditer(block[0]), key=lambda one: one[1]))
