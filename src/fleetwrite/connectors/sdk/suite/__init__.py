"""The contract suite: what every connector has to pass. It needs pytest and pytest-asyncio, and nothing at run time."""

import pytest

# Before the import, so that a failed check shows what it compared.
pytest.register_assert_rewrite("fleetwrite.connectors.sdk.suite.connector_suite")

from fleetwrite.connectors.sdk.suite.connector_suite import ConnectorSuite  # noqa: E402 - see above
from fleetwrite.connectors.sdk.suite.exhibit import ErrorAnswer, Exhibit, Sent  # noqa: E402 - see above

__all__ = ["ConnectorSuite", "ErrorAnswer", "Exhibit", "Sent"]
