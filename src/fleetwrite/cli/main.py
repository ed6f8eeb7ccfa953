"""The `fleetwrite` command."""

import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from fleetwrite.cli.admin_commands import agreement_app, client_app, connections_app, fleet_app, partner_app
from fleetwrite.cli.running import ConfigOption, run, say

T = TypeVar("T")

app = typer.Typer(
    help="A self-hosted write gateway to telematics service providers.",
    no_args_is_help=True,
    # A framed traceback is no use in a log, and with local variables it would print secrets.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
vault_app = typer.Typer(help="The master key that seals credentials.", no_args_is_help=True)
app.add_typer(vault_app, name="vault")
fence_app = typer.Typer(help="After a restore from a backup: let nothing be sent twice.")
app.add_typer(fence_app, name="restore-fence")
admin_app = typer.Typer(help="What only the operator may do.", no_args_is_help=True)
app.add_typer(admin_app, name="admin")
connector_app = typer.Typer(help="Making connectors.", no_args_is_help=True)
app.add_typer(connector_app, name="connector")
tsp_app = typer.Typer(help="Providers as a whole.", no_args_is_help=True)
admin_app.add_typer(tsp_app, name="tsp")
admin_app.add_typer(partner_app, name="partner")
admin_app.add_typer(client_app, name="client")
admin_app.add_typer(fleet_app, name="fleet")
admin_app.add_typer(agreement_app, name="agreement")
admin_app.add_typer(connections_app, name="connections")

AllOption = Annotated[bool, typer.Option("--all", help="All that wait for your word.")]
OperationOption = Annotated[
    list[UUID] | None, typer.Option("--operation", help="This operation; may be given several times.")
]


@app.command()
def up(
    *,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Add provider simulators, a demo partner and demo fleets.")
    ] = False,
    port: Annotated[int, typer.Option(help="Where the API listens on 127.0.0.1; 0 takes a free port.")] = 8080,
    data_dir: Annotated[Path, typer.Option(help="Where everything is kept: database, key, simulators.")] = Path(
        ".fleetwrite"
    ),
    tsp: Annotated[
        list[str] | None, typer.Option(help="Simulate this provider only; may be given several times. Without it: all.")
    ] = None,
) -> None:
    """Run everything on this machine: database, API and worker. Ctrl-C or SIGTERM stops it cleanly.

    With --sandbox it also writes DATA_DIR/sandbox.json, when all is ready: addresses, a client and its secret.
    """
    from fleetwrite.sandbox.up import run_everything  # noqa: PLC0415 - the other commands start faster without it

    run(run_everything(data_dir.absolute(), port=port, sandbox=sandbox, tsps=tsp))


@app.command()
def demo(
    *,
    keep: Annotated[Path | None, typer.Option(help="Keep the sandbox's data here instead of throwing it away.")] = None,
) -> None:
    """Perform every kind of write on a sandbox, follow each to its end, and compare. Exit code 0: all was right."""
    from fleetwrite.sandbox.demo import run_demo  # noqa: PLC0415 - see up

    sys.exit(run(run_demo(keep)))


@app.command()
def api(
    *,
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on.")] = None,
    fd: Annotated[int | None, typer.Option(help="An inherited socket to listen on instead.", hidden=True)] = None,
) -> None:
    """Serve the API. Needs DATABASE_URL and FLEETWRITE_VAULT_KEY_FILE; run as many as you like."""
    from fleetwrite.cli.processes import serve_api  # noqa: PLC0415 - see up

    _serve(serve_api(config, host=host, port=port, fd=fd))


@app.command()
def worker(
    *,
    config: ConfigOption = None,
    announce: Annotated[bool, typer.Option("--announce", help="Print a line when it is ready.", hidden=True)] = False,
) -> None:
    """Deliver writes and webhooks. Needs what `api` needs; run as many as you like.

    SIGTERM: it claims no more, finishes what is in flight and gives back the rest.
    """
    from fleetwrite.cli.processes import work  # noqa: PLC0415 - see up

    _serve(work(config, announce=announce))


@app.command()
def migrate(*, config: ConfigOption = None) -> None:
    """Bring the database's schema up to this version. Safe to run twice, and from several machines at once."""
    from fleetwrite.cli.processes import migrate_database  # noqa: PLC0415 - see up

    applied = run(migrate_database(config))
    typer.echo(f"Applied: {', '.join(applied)}." if applied else "The schema is current; nothing to do.")


@app.command()
def status(
    *,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    most: Annotated[int, typer.Option(min=1, max=1000, help="At most so many lines of each table.")] = 15,
) -> None:
    """Show lanes, backlog, budgets, leases and connections at a glance. Needs DATABASE_URL only."""
    from fleetwrite.cli.status import show_status  # noqa: PLC0415 - see up

    run(show_status(config, as_json=as_json, most=most))


@app.command()
def settings() -> None:
    """Print every setting with its meaning and default, as a TOML file to start from."""
    from fleetwrite.settings import reference  # noqa: PLC0415 - see up

    typer.echo(reference(), nl=False)


@app.command()
def connectors() -> None:
    """Print which writes each installed connector takes, as a page of Markdown."""
    from fleetwrite.connectors.sdk.matrix import matrix  # noqa: PLC0415 - see up
    from fleetwrite.connectors.sdk.registry import Registry  # noqa: PLC0415 - see up

    typer.echo(matrix(connector.manifest for connector in Registry.load()), nl=False)


@connector_app.command("new")
def new_connector(
    slug: Annotated[str, typer.Argument(help="What the contract calls the provider (TspEnum), such as samsara.")],
    *,
    name: Annotated[str | None, typer.Option(help="What people call it. Without it: made of the slug.")] = None,
    to: Annotated[Path, typer.Option(help="Where Fleetwrite's source is.")] = Path(),
) -> None:
    """Write a connector to an invented provider, which passes the suite, to make a real one of. Overwrites nothing."""
    from fleetwrite.connectors.sdk.new_connector import write_connector  # noqa: PLC0415 - see up

    written: list[Path] = []
    run(_in_loop(lambda: written.extend(write_connector(slug, name, to))))
    say(
        [
            *map(str, written),
            "",
            f"See it pass: python -m pytest tests/connectors/{slug}",
            "Then go on with docs/howto/add-a-connector.md. All that these files say of the provider is invented.",
        ]
    )


@app.command()
def simulator(
    tsp: Annotated[str, typer.Argument(help="The provider's slug, such as samsara.")],
    *,
    data_dir: Annotated[Path, typer.Option(help="Where its records are kept.")],
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes a free one.")] = 0,
) -> None:
    """Run one provider's simulator. Prints its URL when it is ready."""
    from fleetwrite.connectors.sdk.finding import simulator_class  # noqa: PLC0415 - see up
    from fleetwrite.connectors.sdk.simulator import run_simulator  # noqa: PLC0415 - see up

    data_dir.mkdir(parents=True, exist_ok=True)
    _serve(run_simulator(simulator_class(tsp)(data_dir), port=port, on_ready=typer.echo))


@fence_app.callback(invoke_without_command=True)
def raise_fence(
    context: typer.Context,
    *,
    config: ConfigOption = None,
    again: Annotated[bool, typer.Option("--again", help="Even if this restore seems to be fenced already.")] = False,
) -> None:
    """After a restore from a backup: let nothing be sent twice. Run it before any API or worker is started.

    Every operation that was pending in the backup is looked up at its provider before it is sent, or waits for your
    word where the provider can not tell. What is accepted from then on flows as ever. Running it twice changes nothing.
    """
    if context.invoked_subcommand is None:
        from fleetwrite.cli import restore_fence  # noqa: PLC0415 - see up

        say(run(restore_fence.raise_fence(config, again=again)))


@fence_app.command("status")
def fence_status(*, config: ConfigOption = None) -> None:
    """Show what is looked up still, and what waits for your word."""
    from fleetwrite.cli import restore_fence  # noqa: PLC0415 - see up

    say(run(restore_fence.describe(config)))


@fence_app.command("release")
def fence_release(
    *,
    config: ConfigOption = None,
    operation: OperationOption = None,
    every: AllOption = False,
) -> None:
    """Let operations be sent: you looked, and the provider does not have them."""
    from fleetwrite.cli import restore_fence  # noqa: PLC0415 - see up

    say(run(restore_fence.release(config, operation, every=every)))


@fence_app.command("fail")
def fence_fail(
    *,
    config: ConfigOption = None,
    operation: OperationOption = None,
    every: AllOption = False,
) -> None:
    """End operations as failed: the provider has them, or nobody wants them any more."""
    from fleetwrite.cli import restore_fence  # noqa: PLC0415 - see up

    say(run(restore_fence.fail(config, operation, every=every)))


@vault_app.command("create-key")
def create_key(file: Annotated[Path, typer.Argument(help="The file to make; it must not exist.")]) -> None:
    """Make a new master key. Whoever has it and the database can read every credential; without it nobody can."""
    from fleetwrite.vault.keyfile import KeyFile  # noqa: PLC0415 - see up

    run(_in_loop(lambda: KeyFile.create(file)))
    typer.echo(f"Made {file}. Back it up apart from the database.")


TspArgument = Annotated[str, typer.Argument(help="The provider's slug, such as samsara.")]


@tsp_app.command("pause")
def pause_tsp(slug: TspArgument, *, config: ConfigOption = None) -> None:
    """Send nothing to a provider, by any connection, until it is resumed. Writes are still accepted, and wait."""
    from fleetwrite.cli.processes import set_tsp_paused  # noqa: PLC0415 - see up

    count = run(set_tsp_paused(config, slug, paused=True))
    typer.echo(f"Nothing is sent to {slug} any more; connections: {count}. What is under way is finished.")


@tsp_app.command("resume")
def resume_tsp(slug: TspArgument, *, config: ConfigOption = None) -> None:
    """Send to a provider again."""
    from fleetwrite.cli.processes import set_tsp_paused  # noqa: PLC0415 - see up

    count = run(set_tsp_paused(config, slug, paused=False))
    typer.echo(f"Active connections to {slug} send again; connections: {count}.")


async def _in_loop(work: Any) -> None:
    work()


def _serve(work: Coroutine[Any, Any, T]) -> T:
    """Run a command that serves, on the fastest event loop that this system has."""
    import uvicorn  # noqa: PLC0415 - see up

    return run(work, uvicorn.Config("", loop="auto", log_config=None).get_loop_factory())


def main() -> None:
    """Entry point."""
    app()
