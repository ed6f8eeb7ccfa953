"""For whom a task acts: the system, one partner, or nobody. PostgreSQL holds it to that by row level security.

The services keep partners apart by their queries; this is the second line, for the day on which one forgets to. What
:class:`~fleetwrite.kit.database.Database` lends shows whoever the task acts for its own rows, and no others. Tasks
inherit it from those that make them: what serves many partners says for whom it acts each time.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias
from uuid import UUID

from fleetwrite.kit.errors import FleetwriteError

if TYPE_CHECKING:
    from fleetwrite.kit.database import Connection

SYSTEM_ROLE: Final = "fleetwrite_system"
"""The database role that our sessions have from their start. It owns nothing, and sees all rows."""

PARTNER_ROLE: Final = "fleetwrite_partner"
"""The role for a transaction: it sees what belongs to the partner that the setting `fleetwrite.partner` names."""


class Nameless(Enum):
    """Who is no partner."""

    SYSTEM = "system"
    """The machinery that serves all partners: workers, the operator's commands, what is shared."""

    NOBODY = "nobody"
    """Who has not shown yet who it is. It sees nothing."""


Whom: TypeAlias = UUID | Nameless
"""For whom somebody acts; a partner by its id."""

_acts_for: ContextVar[Whom] = ContextVar("acts_for", default=Nameless.SYSTEM)


class NotTheSystemError(FleetwriteError):
    """Something that only the system may do was tried for a partner, or for nobody."""


def acts_for() -> Whom:
    """For whom this task acts now."""
    return _acts_for.get()


@contextmanager
def acting_for(whom: Whom) -> Iterator[None]:
    """Act for somebody meanwhile, as do tasks that are made meanwhile.

    Not around a `yield` of an async generator, whose steps may run in different tasks.
    """
    before = _acts_for.set(whom)
    try:
        yield
    finally:
        _acts_for.reset(before)


def acting_as_system() -> AbstractContextManager[None]:
    """Act for nobody in particular meanwhile. Whoever calls this says beside it why."""
    return acting_for(Nameless.SYSTEM)


def act_for(whom: Whom) -> None:
    """Act for somebody from here on, until the `acting_for` ends that this is within."""
    _acts_for.set(whom)


def naming(whom: Whom) -> str:
    """The statements by which a transaction acts for somebody until its end."""
    if whom is Nameless.SYSTEM:
        return f"SET LOCAL ROLE {SYSTEM_ROLE}"
    name = "" if whom is Nameless.NOBODY else str(UUID(int=whom.int))
    return f"SET LOCAL ROLE {PARTNER_ROLE}; SET LOCAL fleetwrite.partner = '{name}'"


class Transaction(Protocol):
    """A transaction that begins and ends by calls."""

    async def start(self) -> None:
        """Begin."""
        ...

    async def commit(self) -> None:
        """Keep what was done."""
        ...

    async def rollback(self) -> None:
        """Take back what was done."""
        ...


class NamedTransaction:
    """A transaction in somebody's name. The name goes out with BEGIN, in one round trip, and ends with it whatever
    happens: so PostgreSQL has it with SET LOCAL. `Connection.transaction` cannot be nested into it.
    """

    def __init__(self, connection: "Connection", whom: Whom) -> None:
        self._connection = connection
        self._begin = f"BEGIN; {naming(whom)}"

    async def start(self) -> None:
        """Begin."""
        await self._connection.execute(self._begin)

    async def commit(self) -> None:
        """Keep what was done."""
        await self._connection.execute("COMMIT")

    async def rollback(self) -> None:
        """Take back what was done."""
        await self._connection.execute("ROLLBACK")


def transaction_for(connection: "Connection", whom: Whom) -> Transaction:
    """A transaction on a connection that nobody has begun one on, for somebody."""
    return connection.transaction() if whom is Nameless.SYSTEM else NamedTransaction(connection, whom)
