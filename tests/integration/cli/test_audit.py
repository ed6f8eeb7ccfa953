"""`fleetwrite audit`, as an operator runs it."""

import getpass
import json

from fleetwrite.vault.keyfile import KeyFile
from integration.cli.commands import Operator


async def test_what_an_operator_does_is_exported_and_verified(operator: Operator) -> None:
    KeyFile.create(operator.key_file)
    assert (await operator.run("audit", "verify")).stdout == "The log is empty.\n"
    assert (await operator.run("admin", "tsp", "pause", "samsara")).returncode == 0
    first = (await operator.run("audit", "verify")).stdout
    assert first.startswith("1 entries, all as they were written: 1:")
    head = first.split()[-1]
    assert (await operator.run("admin", "tsp", "resume", "samsara")).returncode == 0
    # To read the log takes no master key.
    keyless = {name: value for name, value in operator.environment.items() if name != "FLEETWRITE_VAULT_KEY_FILE"}
    assert (await operator.run("audit", "verify", "--head", head, environment=keyless)).returncode == 0
    lines = [
        json.loads(line)
        for line in (await operator.run("audit", "export", "--deed", "tsp", environment=keyless)).stdout.splitlines()
    ]
    assert [line["deed"] for line in lines] == ["tsp.paused", "tsp.resumed"]
    assert {line["actor"] for line in lines} == {getpass.getuser()}
    assert {line["actor_kind"] for line in lines} == {"operator"}
    assert (await operator.run("audit", "export", "--until", "2000-01-01", environment=keyless)).stdout == ""
    other = await operator.run("audit", "verify", "--head", "7:" + "00" * 32, environment=keyless)
    assert other.returncode == 1
    assert "cut off" in other.stderr
