"""Master keys from a command: printed on its standard output, or a clear error."""

import shlex
import sys

import pytest

from fleetwrite.bootstrap import key_provider
from fleetwrite.settings import Settings, SettingsError
from fleetwrite.vault.errors import KeyCommandError, NoKeyError
from fleetwrite.vault.keys import MasterKey
from fleetwrite.vault.providers import CommandKeys


def command(program: str) -> str:
    return shlex.join([sys.executable, "-c", program])


async def test_the_keys_are_what_the_command_prints() -> None:
    keys = [MasterKey.random(), MasterKey.random()]
    program = f"print({''.join(key.line() for key in keys)!r})"
    loaded = await key_provider(Settings(vault_command=command(program))).load()
    assert [key.material for key in loaded] == [key.material for key in keys]


@pytest.mark.parametrize("printed", ["", "print('an error page')", "print('x' * 1_000_000)"])
async def test_what_is_no_key_is_refused_and_not_shown(printed: str) -> None:
    with pytest.raises(NoKeyError, match="is no master key") as caught:
        await CommandKeys(command(printed)).load()
    assert "error page" not in str(caught.value)


async def test_a_command_that_fails_is_an_error_even_if_it_printed_a_key() -> None:
    program = f"import sys; print({MasterKey.random().line()!r}); sys.exit(3)"
    with pytest.raises(KeyCommandError, match="ended with status 3"):
        await CommandKeys(command(program)).load()


@pytest.mark.parametrize("text", ["/nowhere/at/all", "'unclosed", ""])
async def test_a_command_that_can_not_be_run_is_an_error(text: str) -> None:
    with pytest.raises(KeyCommandError, match="can not be run"):
        await CommandKeys(text).load()


async def test_a_command_that_hangs_is_given_up_and_ended() -> None:
    with pytest.raises(KeyCommandError, match="was not done within"):
        await CommandKeys(command("import time; time.sleep(600)"), lasts_s=0.2).load()


async def test_file_and_command_at_once_or_neither_is_refused() -> None:
    with pytest.raises(SettingsError, match="both set"):
        Settings.load({"FLEETWRITE_VAULT_COMMAND": "x", "FLEETWRITE_VAULT_KEY_FILE": "y"})
    with pytest.raises(SettingsError, match="vault_command is empty"):
        Settings.load({"FLEETWRITE_VAULT_COMMAND": " "})
    with pytest.raises(SettingsError, match="create-key"):
        key_provider(Settings())
