"""`fleetwrite vault`: master keys, from the first to the one that relieves it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from fleetwrite.cli.running import ConfigOption, run, say

vault_app = typer.Typer(help="The master keys that seal credentials.", no_args_is_help=True)


@vault_app.command("create-key")
def create_key(file: Annotated[Path, typer.Argument(help="The file to make; it must not exist.")]) -> None:
    """Make a new master key. Whoever has it and the database can read every credential; without it nobody can."""
    from fleetwrite.vault.keyfile import KeyFile  # noqa: PLC0415 - the other commands start faster without it

    async def create() -> None:
        KeyFile.create(file)

    run(create())
    typer.echo(f"Made {file}. Back it up apart from the database.")


@vault_app.command("add-key")
def add_key(file: Annotated[Path, typer.Argument(help="The file of the master keys.")]) -> None:
    """Add a new master key to a file. It seals nothing until `fleetwrite vault rotate` lets it.

    First bring the file to every machine, and restart one process after the other.
    """
    from fleetwrite.vault.keyfile import KeyFile  # noqa: PLC0415 - see create_key

    async def add() -> str:
        return KeyFile.add(file).id.hex()

    typer.echo(f"Added the key {run(add())}. Bring {file} to every machine and restart all processes, then rotate.")


@vault_app.command("status")
def status(
    *,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show the master keys, what is sealed with each, and which running process has which."""
    from fleetwrite.cli.processes import with_services  # noqa: PLC0415 - see create_key

    found = run(with_services(config, "vault status", lambda services: services.rotation.status()))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)))
        return
    for key in found.keys:
        words = [word for word, holds in (("seals", key.seals), ("not loaded here", not key.is_loaded)) if holds]
        say([f"key {key.key_id}  {', '.join(words) or 'opens'}", f"    {_counted(key.secrets)}"])
    for process in found.processes:
        typer.echo(f"{process.name} seals with {process.seals_with} and has {', '.join(process.key_ids)}")


@vault_app.command("rotate")
def rotate(*, config: ConfigOption = None) -> None:
    """Let the newest key (the last line of the file) seal, and put every secret under it, while everything runs.

    Refused while a running process lacks that key. Broken off, it goes on where it was when it is run again.
    """
    from fleetwrite.audit.models import Actor  # noqa: PLC0415 - see create_key
    from fleetwrite.cli.processes import with_services  # noqa: PLC0415 - see create_key

    def tell(table: str, done: int) -> None:
        typer.echo(f"{table}: {done:,} re-wrapped", err=True)

    rotated = run(
        with_services(config, "vault rotate", lambda services: services.rotation.rotate(tell, actor=Actor.operator()))
    )
    typer.echo(f"All is sealed with the key {rotated.key_id}; re-wrapped: {rotated.rewrapped:,}.")
    if rotated.broken:
        say([f"Opens with no key that is loaded, and was left as it is: {one}" for one in rotated.broken])
        raise typer.Exit(1)


@vault_app.command("remove-key")
def remove_key(
    key_id: Annotated[str, typer.Argument(help="As `fleetwrite vault status` shows it.")],
    *,
    config: ConfigOption = None,
) -> None:
    """Need an old key no more, and take it out of the key file. Refused while anything is sealed with it.

    Keep it for as long as you keep backups that are older than the rotation: they open with nothing else.
    """
    from fleetwrite.audit.models import Actor  # noqa: PLC0415 - see create_key
    from fleetwrite.cli.processes import with_services  # noqa: PLC0415 - see create_key
    from fleetwrite.settings import from_process  # noqa: PLC0415 - see create_key
    from fleetwrite.vault.keyfile import KeyFile  # noqa: PLC0415 - see create_key

    try:
        wanted = bytes.fromhex(key_id)
    except ValueError:
        raise typer.BadParameter("A key's id is hexadecimal: see `fleetwrite vault status`.") from None
    file = from_process(config).vault_key_file

    async def remove() -> bool:
        await with_services(
            config, "vault remove-key", lambda services: services.rotation.remove(wanted, actor=Actor.operator())
        )
        return file is not None and KeyFile.remove(Path(file), wanted)

    removed = run(remove())
    told = (
        f"It is no longer in {file}; take it out on the other machines" if removed else "Take it out where it is kept"
    )
    typer.echo(f"Nothing needs the key {key_id}. {told}, and keep a copy with the backups that need it.")


def _counted(secrets: Mapping[str, int]) -> str:
    return ", ".join(f"{table} {number:,}" for table, number in secrets.items()) or "nothing is sealed with it"
