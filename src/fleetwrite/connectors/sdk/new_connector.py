"""Writes a new connector, and its test, from the texts in `templates`: into Fleetwrite's source, or as a package.

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

import msgspec

from fleetwrite.connectors.sdk.registry import SLUG, places
from fleetwrite.contract.tsps import TspEnum
from fleetwrite.kit.errors import FleetwriteError

CONNECTORS: Final = Path("src/fleetwrite/connectors")
TESTS: Final = Path("tests/connectors")

_SUFFIX: Final = ".tmpl"
_TEST: Final = "test_contract.py"
_PROJECT: Final = "pyproject.toml"

# It stands in strings, docstrings and lines of bounded length.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .&+'()-]{0,39}")
_IMPORTS: Final = re.compile(r"(?:^from \S+ import (?:\([^)]*\)|[^(\n]+)\n)+", re.MULTILINE)
_IMPORT: Final = re.compile(r"^from (\S+) import (?:\([^)]*\)|[^(\n]+)\n", re.MULTILINE)


class NewConnectorError(FleetwriteError):
    """A new connector can not be written like this; nothing was."""


class Layout(msgspec.Struct, frozen=True):
    """Where a connector's files go, in the folder that is written to.

    Attributes:
        package: what Python imports.
        code: the folder of it.
        tests: the folder of its tests.
        is_own: it is a package of its own, with a project file.
    """

    package: str
    code: Path
    tests: Path
    is_own: bool


def layout(slug: str, *, is_own: bool) -> Layout:
    """The layout of a new connector: in Fleetwrite's source, or as a package of its own."""
    if is_own:
        package = f"fleetwrite_{slug}"
        return Layout(package, Path("src") / package, Path("tests"), is_own)
    return Layout(f"fleetwrite.connectors.{slug}", CONNECTORS / slug, TESTS / slug, is_own)


def write_connector(
    slug: str, name: str | None, to: Path, *, own_package: bool = False, outside_contract: bool = False
) -> list[Path]:
    """Write a connector that passes the suite, and the test that shows it.

    Args:
        slug: what the folder, the manifest and the contract call the provider.
        name: what people call it; None: made of the slug.
        to: the folder of Fleetwrite's source, with `src` and `tests` in it; of a package of its own the one to make.
        own_package: make a package that can be installed beside Fleetwrite.
        outside_contract: the contract has no name for the provider.

    Returns:
        The files, from `to` on.

    Raises:
        NewConnectorError: the slug or the name is none, or something is there already.
        OSError: a file can not be written.
    """
    _check_slug(slug, outside_contract=outside_contract)
    name = slug.replace("_", " ").title() if name is None else name
    if not _NAME.fullmatch(name):
        raise NewConnectorError(
            f"The name {name!r} can not stand in code: take at most 40 letters, digits, blanks and . & + ' ( ) -, "
            "beginning with a letter or a digit."
        )
    if not own_package and not (to / CONNECTORS / "sdk").is_dir():
        raise NewConnectorError(
            f"{to} is not Fleetwrite's source: there is no {CONNECTORS}/sdk in it. Say with --to where that is, or"
            " with --own-package that it is to be a package of its own."
        )
    where = layout(slug, is_own=own_package)
    for path in (where.code, where.tests, *([Path(_PROJECT)] if own_package else [])):
        if (to / path).exists():
            raise NewConnectorError(f"{to / path} is there already, and nothing is overwritten.")
    texts = _texts(slug, name, where)
    for path, text in texts.items():
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        with (to / path).open("x", encoding="utf-8") as file:
            file.write(text)
    return list(texts)


def _check_slug(slug: str, *, outside_contract: bool) -> None:
    if not SLUG.fullmatch(slug):
        raise NewConnectorError(
            f"The slug {slug!r} can not name a folder of code: take small letters, digits and _, with a letter first."
        )
    if slug in {place.slug for place in places()}:
        raise NewConnectorError(f"There is a connector named {slug!r} already.")
    if slug not in set(TspEnum) and not outside_contract:
        near = get_close_matches(slug, list(TspEnum), n=3)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise NewConnectorError(
            f"The contract knows no provider {slug!r}: it is none of TspEnum, which lists every name that "
            "`source_name` has there. Clients that keep to that list refuse whatever is read through such a connector "
            "(docs/compatibility.md). A brand of a provider in it takes that provider's name; if there is none, and "
            f"your clients can do with that, say --outside-contract.{meant}"
        )


def _texts(slug: str, name: str, where: Layout) -> Mapping[Path, str]:
    """The files to write."""
    class_name = "".join(part.title() for part in slug.split("_"))
    placeholders = {
        "slug": slug,
        "name": name,
        "package": where.package,
        "distribution": where.package.replace("_", "-"),
        "provider": class_name,
        "connector": f"{class_name}Connector",
        "simulator": f"{class_name}Simulator",
    }
    folders = {_TEST: where.tests, _PROJECT: Path()}
    texts = {where.code / "__init__.py": ""}
    templates = files("fleetwrite.connectors.sdk") / "templates"
    for template in sorted(templates.iterdir(), key=lambda one: one.name):
        file = template.name.removesuffix(_SUFFIX)
        text = Template(template.read_text(encoding="utf-8")).substitute(placeholders)
        if where.is_own or file != _PROJECT:
            texts[folders.get(file, where.code) / file] = _IMPORTS.sub(_in_order, text)
    return texts


def _in_order(block: re.Match[str]) -> str:
    """Imports as a linter wants them: where the connector's own belong depends on its slug."""
    return "".join(one[0] for one in sorted(_IMPORT.finditer(block[0]), key=lambda one: one[1]))
