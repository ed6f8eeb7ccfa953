"""The options of pytest for the suite: `--live` and `--live-writes`.

A project asks for them by `addopts = ["-p", "fleetwrite.connectors.sdk.suite.plugin"]` in its settings of pytest.
"""

import os
from collections.abc import Generator

import pytest

from fleetwrite.connectors.sdk.suite.connector_suite import LIVE, ConnectorSuite
from fleetwrite.connectors.sdk.suite.live import LiveRun


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("fleetwrite", "Fleetwrite's suite for connectors")
    group.addoption(
        "--live",
        action="store_true",
        help="Check connectors at real accounts, by credentials in variables FLEETWRITE_LIVE_<SLUG>_<FIELD>.",
    )
    group.addoption(
        "--live-writes",
        action="store_true",
        help="With --live: write the examples there, too. What is made stays there, and people may read the messages.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin a run on real accounts, if one is wanted.

    Raises:
        pytest.UsageError: it is to write, and not to be one.
    """
    is_live, writes = config.getoption("--live"), config.getoption("--live-writes")
    if writes and not is_live:
        raise pytest.UsageError("--live-writes needs --live: without that, everything is written to simulators anyway.")
    if is_live:
        config.stash[LIVE] = LiveRun(os.environ, writes=writes)
        # Longer ones show arguments, among which are logins.
        config.option.tbstyle = "short"
        config.option.showlocals = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Make sure that all accounts can be reached before the first is.

    Raises:
        pytest.UsageError: variables are missing, or can not be good.
    """
    run = config.stash.get(LIVE, None)
    if run is None:
        return
    suites = {item.cls for item in items if isinstance(item, pytest.Function) and item.cls is not None}
    connectors = {suite.exhibit.connector for suite in suites if issubclass(suite, ConnectorSuite)}
    manifests = sorted((connector.manifest for connector in connectors), key=lambda manifest: manifest.slug)
    names = [name for manifest in manifests for name in run.missing(manifest)]
    if names:
        raise pytest.UsageError(f"--live needs these variables, which are not set: {', '.join(names)}.")
    for manifest in manifests:
        run.login(manifest)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a report show nothing secret."""
    report = yield
    run = item.config.stash.get(LIVE, None)
    if run is not None:
        report.sections = [(title, run.masked(text)) for title, text in report.sections]
        if report.failed:
            report.longrepr = run.masked(str(report.longrepr))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which credentials have had their day."""
    run = config.stash.get(LIVE, None)
    if run is not None and run.replaced:
        terminalreporter.write_line(
            f"Logging in used these up; set them anew before the next run: {', '.join(run.replaced)}."
        )
