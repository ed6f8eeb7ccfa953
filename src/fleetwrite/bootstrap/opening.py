"""Opens the services of one process, and closes them in good order."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fleetwrite.bootstrap.services import Services
from fleetwrite.kit.database import Database
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.migrations import pending
from fleetwrite.kit.url_policy import UrlPolicy
from fleetwrite.settings import Settings, SettingsError
from fleetwrite.vault.providers import CommandKeys, FileKeys, KeyProvider
from fleetwrite.vault.service import Vault
from fleetwrite.vault.watch import KeyWatch


def require_database_url(settings: Settings) -> str:
    """The database's address.

    Raises:
        SettingsError: there is none.
    """
    if settings.database_url is None:
        raise SettingsError(
            "DATABASE_URL is not set. Set it to a PostgreSQL 15 or newer, as postgresql://user:password@host/database;"
            " or use `fleetwrite up`, which brings its own."
        )
    return settings.database_url


def key_provider(settings: Settings) -> KeyProvider:
    """Where the master keys come from.

    Raises:
        SettingsError: nobody says.
    """
    if settings.vault_command is not None:
        return CommandKeys(settings.vault_command)
    if settings.vault_key_file is not None:
        return FileKeys(Path(settings.vault_key_file))
    raise SettingsError(
        "Neither FLEETWRITE_VAULT_KEY_FILE nor FLEETWRITE_VAULT_COMMAND is set. Make a key with `fleetwrite vault"
        " create-key FILE` and keep it apart from the database: without it, what is sealed there is lost."
    )


@asynccontextmanager
async def open_services(settings: Settings, *, name: str) -> AsyncIterator[Services]:
    """Build the services of one process and, at the end, finish what is in flight and close them.

    Args:
        settings: how.
        name: what an operator sees of this process in the database's list of sessions.

    Raises:
        SettingsError: something is missing, or the schema is older than this version.
        KeyFileError, KeyCommandError, NoKeyError: the master key can not be read.
        WrongKeyError: it is not the key of this database.
    """
    database_url = require_database_url(settings)
    vault = Vault(*await key_provider(settings).load())
    missing = await pending(database_url)
    if missing:
        raise SettingsError(f"The database lacks the migrations {', '.join(missing)}: run `fleetwrite migrate` first.")
    async with AsyncExitStack() as stack:
        database = await Database.connect(
            database_url, max_size=settings.database_pool_size, application_name=f"fleetwrite {name}"
        )
        stack.push_async_callback(database.close)
        await stack.enter_async_context(KeyWatch(database_url, database, vault, name=name))
        async with database.transaction() as connection:
            await vault.verify_keys(connection)
        policy = UrlPolicy(allow_http=settings.outbound_allow_http, allowed_networks=settings.allowed_networks)
        egress = await stack.enter_async_context(Egress(policy))
        services = Services(settings, database, database_url, vault, policy, egress)
        stack.push_async_callback(services.logins.close)
        stack.push_async_callback(services.operations.close)
        stack.push_async_callback(services.delivery_handler.close)
        stack.push_async_callback(services.streams.close)
        await services.tokens.prepare()
        yield services
