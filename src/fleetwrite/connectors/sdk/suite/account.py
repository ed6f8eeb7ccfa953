"""An account that a connector is tested with: the simulator's first, or a real one."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar
from uuid import uuid4

import msgspec

from fleetwrite.connectors.sdk.connector import RecordPage, SourceRecord
from fleetwrite.connectors.sdk.examples import Example, NoSuchRecordError, build
from fleetwrite.connectors.sdk.outcome import Finding
from fleetwrite.connectors.sdk.suite.exhibit import Exhibit
from fleetwrite.connectors.sdk.suite.session import DirectSession, KeptLogin
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import Egress

LOOK_BACK = timedelta(seconds=30)
"""How long ago an attempt may have begun that a test just made."""


class Account:
    """One connector at one account."""

    most_resumptions: ClassVar[int | None] = None
    """Behind how many pages of a list to go on from; None: behind each."""

    def __init__(self, exhibit: Exhibit, egress: Egress, login: Login) -> None:
        self.exhibit = exhibit
        self.connector = exhibit.connector
        self._kept = KeptLogin(login)
        self.egress = egress
        self._known: dict[ResourceEnum, list[SourceRecord]] = {}

    @property
    def login(self) -> Login:
        """The login as it stands: credentials that work once are replaced by what they gave."""
        return self._kept.login

    def session(self, login: Login | None = None, made: str | None = None) -> DirectSession:
        """A new session of the account; of `login`, nobody has logged in to."""
        return DirectSession(self.egress, self.connector, login or self._kept, made)

    async def pages(self, resource: ResourceEnum, cursor: str | None = None) -> list[RecordPage]:
        """The pages of a list, from the beginning or from a cursor."""
        return [page async for page in self.connector.list_records(resource, self.session(), cursor)]

    async def records(self, resource: ResourceEnum) -> list[SourceRecord]:
        """What the provider lists now."""
        return [record for page in await self.pages(resource) for record in page.records]

    async def known(self) -> Sequence[SourceRecord]:
        """What examples may refer to, as the provider listed it once."""
        for listing in self.connector.manifest.listings:
            if listing.resource not in self._known:
                self._known[listing.resource] = await self.records(listing.resource)
        return [record for records in self._known.values() for record in records]

    async def write(
        self,
        example: Example,
        body: dict[str, Any] | None = None,
        *,
        among: Sequence[SourceRecord] | None = None,
        **changes: Any,
    ) -> Write:
        """The write of an example, of an operation of its own.

        Args:
            example: what to write.
            body: takes the place of the example's.
            among: the records that it may refer to; None: all that are known.
            changes: of the write's own attributes.
        """
        if body is not None:
            example = msgspec.structs.replace(example, body=body)
        records = await self.known() if among is None else among
        try:
            write = build(example, uuid4(), records, self.login.settings)
        except NoSuchRecordError as error:
            self.lacks(str(error))
            raise
        return msgspec.structs.replace(write, **changes)

    async def look_up(self, write: Write) -> Finding:
        """What the connector finds of a write."""
        call = self.connector.translate(write).call
        return await self.connector.look_up(write, call, self.session(), LOOK_BACK)

    def lacks(self, what: str) -> None:
        """Say that the account has not what a check needs: here a fault of the simulator, or of the examples.

        Raises:
            AssertionError: always.
        """
        raise AssertionError(what)
