from pathlib import Path

import pytest

from integration.cli.commands import Operator


@pytest.fixture
def operator(database_url: str, tmp_path: Path) -> Operator:
    """No master key is there yet."""
    return Operator(database_url, tmp_path / "vault.key")
