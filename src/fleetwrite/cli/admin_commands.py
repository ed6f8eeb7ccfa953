"""The words of `fleetwrite admin`, beside those about providers."""

from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from fleetwrite.cli.running import ConfigOption, run, say
from fleetwrite.contract.org_enums import ShareAgreementStatusEnum

partner_app = typer.Typer(help="Partners: whose software writes.", no_args_is_help=True)
fleet_app = typer.Typer(help="Fleets: whose accounts are written to.", no_args_is_help=True)
agreement_app = typer.Typer(help="Share agreements: what a fleet lets a partner do.", no_args_is_help=True)
connections_app = typer.Typer(help="Connections: accounts at providers.", no_args_is_help=True)

PartnerOption = Annotated[str | None, typer.Option("--partner", help="Of this partner, by its slug.")]
StatusOption = Annotated[ShareAgreementStatusEnum | None, typer.Option("--status", help="Which stand so.")]


@partner_app.command("create")
def create_partner(
    name: Annotated[str, typer.Argument(help="As fleets read it when they are asked.")],
    *,
    slug: Annotated[str | None, typer.Option(help="Its name in tokens. Without it: made of the name.")] = None,
    config: ConfigOption = None,
) -> None:
    """Make a partner and a client of it. The client's secret is shown this once."""
    from fleetwrite.cli import admin  # noqa: PLC0415 - the other commands start faster without it, here and below

    say(run(admin.create_partner(config, name, slug)))


@partner_app.command("list")
def list_partners(*, config: ConfigOption = None) -> None:
    """List all partners."""
    from fleetwrite.cli import admin  # noqa: PLC0415 - see above

    say(run(admin.list_partners(config)))


@partner_app.command("show")
def show_partner(
    slug: Annotated[str, typer.Argument(help="The partner's slug.")], *, config: ConfigOption = None
) -> None:
    """Show a partner with its clients and what is kept of it."""
    from fleetwrite.cli import admin  # noqa: PLC0415 - see above

    say(run(admin.show_partner(config, slug)))


@fleet_app.command("list")
def list_fleets(
    *,
    partner: PartnerOption = None,
    fleet_ref: Annotated[list[str] | None, typer.Option(help="Known to a partner as this.")] = None,
    config: ConfigOption = None,
) -> None:
    """List fleets, and with whom they share."""
    from fleetwrite.cli import admin  # noqa: PLC0415 - see above

    say(run(admin.list_fleets(config, partner, fleet_ref)))


@fleet_app.command("export")
def export_fleet(
    fleet: Annotated[UUID, typer.Argument(help="The fleet's id; `list` shows it.")],
    *,
    out: Annotated[Path, typer.Option(help="The file to write; only you can read it.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite it.")] = False,
    config: ConfigOption = None,
) -> None:
    """Write all that is kept of a fleet to a file: lines of JSON, no secret among them."""
    from fleetwrite.cli import fleet_data  # noqa: PLC0415 - see above

    say(run(fleet_data.export(config, fleet, out, force=force)))


@fleet_app.command("erase")
def erase_fleet(
    fleet: Annotated[UUID, typer.Argument(help="The fleet's id; `list` shows it.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask back.")] = False,
    config: ConfigOption = None,
) -> None:
    """Disconnect a fleet and remove all that is kept of it. There is no way back. Can be repeated."""
    from fleetwrite.cli import fleet_data  # noqa: PLC0415 - see above

    def agreed(question: str) -> bool:
        return yes or typer.confirm(question)

    say(run(fleet_data.erase(config, fleet, agreed=agreed)))


@fleet_app.command("erase-again")
def erase_fleets_again(
    file: Annotated[Path, typer.Argument(help="What `fleetwrite audit export --deed fleet` printed.", exists=True)],
    *,
    config: ConfigOption = None,
) -> None:
    """After a restore: erase the fleets again that were erased after the backup was made."""
    from fleetwrite.cli import fleet_data  # noqa: PLC0415 - see above

    say(run(fleet_data.erase_again(config, file)))


@agreement_app.command("list")
def list_agreements(
    *,
    partner: PartnerOption = None,
    fleet_ref: Annotated[str | None, typer.Option(help="For the fleet known to the partner as this.")] = None,
    status: StatusOption = None,
    config: ConfigOption = None,
) -> None:
    """List share agreements."""
    from fleetwrite.cli import admin  # noqa: PLC0415 - see above

    say(run(admin.list_agreements(config, partner, fleet_ref, status)))


@agreement_app.command("set")
def set_agreement(
    agreement: Annotated[UUID, typer.Argument(help="The agreement's id.")],
    *,
    status: Annotated[
        ShareAgreementStatusEnum | None, typer.Option(help="active, paused, cancelled (for good) or deleted.")
    ] = None,
    share: Annotated[
        list[str] | None,
        typer.Option(help="all=read, vehicle=read_write, ...; replaces what was shared. May be given several times."),
    ] = None,
    effective: Annotated[datetime | None, typer.Option(help="From when on it counts, in UTC.")] = None,
    expires: Annotated[datetime | None, typer.Option(help="Until when it counts, in UTC.")] = None,
    config: ConfigOption = None,
) -> None:
    """Change what a fleet lets a partner do. What is not named stays. What is cancelled can not be changed any more."""
    from fleetwrite.cli import admin  # noqa: PLC0415 - see above

    say(run(admin.set_agreement(config, agreement, status=status, share=share, effective=effective, expires=expires)))


@connections_app.command("import")
def import_connections(
    file: Annotated[Path, typer.Argument(help="CSV; docs/howto/bring-your-fleets.md has the columns.", exists=True)],
    *,
    partner: PartnerOption = None,
    check: Annotated[bool, typer.Option("--check", help="Only say what would be done.")] = False,
    config: ConfigOption = None,
) -> None:
    """Connect many fleets whose credentials you have. Can be repeated: what is there already is left as it is.

    Every line is checked before the first is carried out. Exit code 1: lines are wrong or failed.
    """
    from fleetwrite.cli import admin  # noqa: PLC0415 - see above

    def progress(done: int, of: int) -> None:
        if done % 100 == 0 and done < of:
            typer.echo(f"{done} of {of}", err=True)

    report = run(admin.import_connections(config, file.read_bytes(), partner=partner, check=check, progress=progress))
    say(admin.report_lines(report))
    if report.failed:
        raise typer.Exit(1)
