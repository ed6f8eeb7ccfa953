"""`fleetwrite admin client`: who may ask for tokens; and how many requests a partner may make."""

from datetime import timedelta
from typing import Annotated

import msgspec
import typer

from fleetwrite.cli.running import ConfigOption, run, say

client_app = typer.Typer(help="Clients: the logins of partners, and the operator's own.", no_args_is_help=True)

ClientArgument = Annotated[str, typer.Argument(help="The client's id.")]


@client_app.command("create")
def create_client(
    *,
    partner: Annotated[str | None, typer.Option("--partner", help="Of this partner, by its slug.")] = None,
    operator: Annotated[
        bool, typer.Option("--operator", help="Of the operator: for the endpoints of administration.")
    ] = False,
    client_id: Annotated[str | None, typer.Option(help="Without it: a random one.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="May be given several times. Without it: what is usual.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Make a client. Its secret is shown this once."""
    from fleetwrite.cli import admin  # noqa: PLC0415 - see list_clients

    say(run(admin.create_client(config, partner, operator=operator, client_id=client_id, scopes=scope)))


@client_app.command("list")
def list_clients(
    *,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show all clients: whose they are, whether they are disabled, and whether two secrets are good."""
    from fleetwrite.cli.processes import with_services  # noqa: PLC0415 - the other commands start faster without it

    clients = run(with_services(config, "admin", lambda services: services.clients.all()))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(clients)))
        return
    for client in clients:
        notes = [f"made {client.created_at.isoformat(timespec='seconds')}"]
        if client.disabled_at is not None:
            notes.append(f"disabled since {client.disabled_at.isoformat(timespec='seconds')}")
        if client.previous_secret_until is not None:
            notes.append(f"old secret good until {client.previous_secret_until.isoformat(timespec='seconds')}")
        say([f"{client.client_id}  of {client.partner}, {', '.join(notes)}", f"    {' '.join(client.scopes)}"])


@client_app.command("rotate-secret")
def rotate_secret(
    client_id: ClientArgument,
    *,
    config: ConfigOption = None,
    overlap_hours: Annotated[
        float, typer.Option(min=0, max=720, help="For so long the old secret is good too; 0 ends it at once.")
    ] = 24.0,
) -> None:
    """Give a client a new secret, which is shown this once. Tokens that are out stay good."""
    from fleetwrite.audit.models import Actor  # noqa: PLC0415 - see list_clients
    from fleetwrite.cli.processes import with_services  # noqa: PLC0415 - see list_clients

    operator = Actor.operator()
    overlap = timedelta(hours=overlap_hours)
    renewed = run(
        with_services(
            config,
            "admin",
            lambda services: services.clients.renew_secret(client_id, overlap=overlap, actor=operator),
        )
    )
    typer.echo(renewed.client_secret)
    typer.echo(f"The old secret is good for another {overlap_hours:g} h.", err=True)


@client_app.command("disable")
def disable(client_id: ClientArgument, *, config: ConfigOption = None) -> None:
    """Give a client no token any more, and refuse those it has within a second."""
    _set_disabled(client_id, config, disabled=True)


@client_app.command("enable")
def enable(client_id: ClientArgument, *, config: ConfigOption = None) -> None:
    """Let a disabled client in again, with the secret it had."""
    _set_disabled(client_id, config, disabled=False)


@client_app.command("delete")
def delete(client_id: ClientArgument, *, config: ConfigOption = None) -> None:
    """Disable a client for good. What it wrote stays, and nobody can have its id again."""
    from fleetwrite.audit.models import Actor  # noqa: PLC0415 - see list_clients
    from fleetwrite.cli.processes import with_services  # noqa: PLC0415 - see list_clients

    operator = Actor.operator()
    run(with_services(config, "admin", lambda services: services.clients.delete(client_id, actor=operator)))
    typer.echo(f"The client {client_id} is deleted.")


def _set_disabled(client_id: str, config: ConfigOption, *, disabled: bool) -> None:
    from fleetwrite.audit.models import Actor  # noqa: PLC0415 - see list_clients
    from fleetwrite.cli.processes import with_services  # noqa: PLC0415 - see list_clients

    operator = Actor.operator()
    run(
        with_services(
            config,
            "admin",
            lambda services: services.clients.set_disabled(client_id, disabled=disabled, actor=operator),
        )
    )
    typer.echo(f"The client {client_id} is {'disabled' if disabled else 'enabled'}.")


def choose_request_limit(
    partner: Annotated[str, typer.Argument(help="The partner's slug.")],
    *,
    config: ConfigOption = None,
    per_second: Annotated[
        float | None, typer.Option(min=0.001, help="Requests a second. Without it: what the settings say for all.")
    ] = None,
) -> None:
    """Let a partner make so many requests a second, over all processes. Holds within two seconds."""
    from fleetwrite.audit.models import Actor  # noqa: PLC0415 - see list_clients
    from fleetwrite.cli.processes import with_services  # noqa: PLC0415 - see list_clients

    operator = Actor.operator()
    run(
        with_services(
            config,
            "admin",
            lambda services: services.request_limits.choose(partner, per_second, actor=operator),
        )
    )
    told = "as many requests as the settings say" if per_second is None else f"{per_second:g} requests a second"
    typer.echo(f"{partner} may make {told}.")
