"""Where sealed secrets are kept: every column of the database that holds what the vault sealed.

Another master key takes over column by column, so one that is not listed would be lost with the old key. Tests hold
this list to the schema. It names tables of other domains, as SQL may where imports may not.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct


class Place(Struct, frozen=True):
    """A column with sealed secrets, and the primary key of its table."""

    table: str
    key: str
    column: str

    @property
    def name(self) -> str:
        """As an operator reads it."""
        return f"{self.table}.{self.column}"


PLACES: Final[Sequence[Place]] = (
    Place("connections", "id", "credentials_sealed"),
    Place("login_sessions", "connection_id", "sealed"),
    Place("operation_secrets", "operation_id", "sealed"),
    Place("subscriptions", "id", "secret_sealed"),
    # After the one above, which takes its place: what is moved while keys change has changed already.
    Place("subscriptions", "id", "old_secret_sealed"),
    Place("signing_keys", "id", "private_key_sealed"),
)
