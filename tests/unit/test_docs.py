"""README and docs: what they name is there, and nothing in the repository depends on the machine it was made on."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer

from fleetwrite.api.app import ENDPOINTS
from fleetwrite.cli.main import app
from fleetwrite.connectors.samsara import endpoints as samsara
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.connectors.sdk.suite.live import PREFIX as LIVE
from fleetwrite.connectors.sdk.suite.live import variable
from fleetwrite.settings import PREFIX, Settings

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = ROOT / "src" / "fleetwrite"
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
FOLDERS: Final = {entry.name for base in (ROOT, SOURCE) for entry in base.iterdir() if entry.is_dir()}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def without_blocks(page: Path) -> str:
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def spans(page: Path) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`\n]+)`", without_blocks(page))


def commands(page: Path, program: str) -> Iterator[list[str]]:
    """The words after `program` wherever a span, or a line of a block, begins with it."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL)
    for text in (*spans(page), *(line for block in blocks for line in block.splitlines())):
        if text.startswith(f"{program} "):
            yield text.partition("#")[0].split()[1:]


@each_page
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", without_blocks(page))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@each_page
def test_every_path_in_backticks_exists(page: Path) -> None:
    paths = [span for span in spans(page) if re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", span) and "/" in span]
    ours = [path for path in paths if path.partition("/")[0] in FOLDERS]
    assert [path for path in ours if not ((ROOT / path).exists() or (SOURCE / path).exists())] == []


@each_page
def test_every_command_and_option_exists(page: Path) -> None:
    for words in commands(page, "fleetwrite"):
        command: Any = typer.main.get_command(app)
        for word in words:
            if word.startswith("--"):
                known = {option for parameter in command.params for option in parameter.opts}
                assert word in known, f"fleetwrite {' '.join(words)}"
            elif hasattr(command, "commands"):
                assert word in command.commands, f"fleetwrite {' '.join(words)}"
                command = command.commands[word]


@each_page
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {words[0] for words in commands(page, "make")} <= targets


@each_page
def test_every_environment_variable_is_a_setting(page: Path) -> None:
    known = {PREFIX + field.upper() for field in Settings.__struct_fields__} | {f"{PREFIX}CONFIG"}
    # The receiver to copy brings a variable of its own; the suite on real accounts one for each field of a manifest.
    known.add("FLEETWRITE_WEBHOOK_SECRET")
    manifests = [connector.manifest for connector in Registry.load()]
    known |= {variable(one, field) for one in manifests for field in (*one.credentials, *one.settings)}
    known.add(f"{LIVE}_")
    assert set(re.findall(rf"\b{PREFIX}[A-Z][A-Z_]*\b", page.read_text())) <= known


@pytest.mark.parametrize("name", ["architecture.md", "glossary.md", "howto/add-a-connector.md"])
def test_every_code_name_is_found_in_the_source(name: str) -> None:
    words: set[str] = set()
    for file in (*SOURCE.rglob("*.py"), *SOURCE.rglob("*.sql"), ROOT / "pyproject.toml"):
        words.update(re.findall(r"\w+", file.read_text()))
    names = [span for span in spans(ROOT / "docs" / name) if re.fullmatch(r"[A-Za-z_]\w*(\.[a-z_]\w*)*(\(\))?", span)]
    files = {file.name for file in (*SOURCE.rglob("*"), *ROOT.iterdir())}
    unknown = [one for one in names if one not in files and not set(re.findall(r"\w+", one)) <= words]
    assert unknown == []


def test_the_table_of_writes_names_endpoints_that_exist() -> None:
    rows = re.findall(
        r"^\| `(POST|PATCH) (/v2/telematics/\S+)` \| (.+?) \|", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    ours = {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}
    theirs = {(endpoint.method, endpoint.path) for endpoint in samsara.ENDPOINTS}
    assert len(rows) == 10
    assert {(method, path) for method, path, _ in rows} <= ours
    assert {call for *_, calls in rows for call in re.findall(r"`(POST|PATCH) (\S+)`", calls)} <= theirs


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "docs" / "adr" / "0002-dependencies.md").read_text()
    running, _, working = text.partition("## To work on it")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[\[>=<~ ]", one, maxsplit=1)[0] for one in project["dependencies"]}
    assert set(re.findall(r"^\| `([\w-]+)` \|", running, re.MULTILINE)) == declared
    tools = (ROOT / "requirements" / "dev.in").read_text().split("\n")
    rows = re.findall(r"^\| (`.+?`) \|", working, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`([\w-]+)`", row)} == {
        tool for tool in tools if tool and not tool.startswith("#")
    }


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text()
    assert [file.name for file in folder.glob("0*.md") if f"({file.name})" not in index] == []


def test_no_file_depends_on_the_machine_or_on_a_registry() -> None:
    """Paths under somebody's home, hosts of package indexes, options that name one."""
    forbidden = re.compile(
        r"/(?:home|Users|root|work)/\w|(?:pypi|pythonhosted|anaconda|npmjs)\.org|--(?:find-links|(?:extra-)?index-url)"
    )
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)  # noqa: S607 - whichever git is installed
    if listing.returncode:
        pytest.skip("this is not a git checkout: nothing says which files belong to the repository")
    found = []
    for name in filter(None, listing.stdout.decode().split("\0")):
        file = ROOT / name
        if not file.is_file():
            continue  # deleted, and not committed yet
        for number, line in enumerate(file.read_bytes().decode(errors="replace").splitlines(), 1):
            if forbidden.search(line):
                found.append(f"{name}:{number}: {line.strip()[:120]}")
    assert found == []
