"""The checks that every connector has to pass, against its simulator over HTTP; and those fit for a real account.

A connector's test file derives a class from `ConnectorSuite` and sets `exhibit`; each check then runs once for each
example, row, field or resource that it applies to. A check that asks for `account` also runs with `--live`; one that
asks for `stand` breaks calls, or looks at what the simulator got, and is left out there.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from fleetwrite.connectors.sdk.connector import LoginRefusedError, SessionConnector
from fleetwrite.connectors.sdk.examples import Example
from fleetwrite.connectors.sdk.mapping import NoPlace
from fleetwrite.connectors.sdk.outcome import (
    Absent,
    Applied,
    Conflict,
    Found,
    Lookalike,
    Throttled,
)
from fleetwrite.connectors.sdk.outcome_table import Meaning
from fleetwrite.connectors.sdk.suite import cases
from fleetwrite.connectors.sdk.suite.account import Account
from fleetwrite.connectors.sdk.suite.cases import CREATE, HELD, UPDATE, Told
from fleetwrite.connectors.sdk.suite.comparing import as_sent, comparable, ids_of
from fleetwrite.connectors.sdk.suite.exhibit import Exhibit
from fleetwrite.connectors.sdk.suite.live import LiveAccount, LiveRun
from fleetwrite.connectors.sdk.suite.samples import required_fields, sample
from fleetwrite.connectors.sdk.suite.session import SECRETS
from fleetwrite.connectors.sdk.suite.stand import Stand
from fleetwrite.connectors.sdk.write import UnofferedWriteError, UntranslatableWriteError, Write
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.errors import ErrorType
from fleetwrite.contract.telematics import WRITE_BODIES
from fleetwrite.kit.egress import AnswerLostError, HttpAnswer

LIVE: Final = pytest.StashKey[LiveRun]()
"""Where pytest's configuration has the run on real accounts, if this is one."""

_AT_THE_SIMULATOR: Final = "breaks calls, or looks at what the simulator got"
_NO_WRITES: Final = "writes to a real account: only with --live and --live-writes"


class ConnectorSuite:
    """Derive from this, and set `exhibit`."""

    exhibit: ClassVar[Exhibit]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run each check once for whatever it applies to."""
        kinds: dict[str, Callable[[], dict[str, Any]]] = {
            "example": lambda: {one.key: one for one in self.exhibit.examples},
            "create": lambda: {one.key: one for one in self.exhibit.of(CREATE)},
            "update": lambda: {one.key: one for one in self.exhibit.of(UPDATE, "full")},
            "held": lambda: {one.key: one for one in self.exhibit.of(CREATE) if one.resource in HELD},
            "told": lambda: {one.name: one for one in cases.told(self.exhibit)},
            "unoffered": lambda: {f"{r.value}.{o.value}": (r, o) for r, o in cases.unoffered(self.exhibit)},
            "demanded": lambda: {f"{e.key}.{field}": (e, field) for e, field in cases.demanded(self.exhibit)},
            "lost": lambda: {f"{e.key}.{field}": (e, field) for e, field in cases.placeless(self.exhibit)},
            "listed": lambda: {one.resource.value: one.resource for one in self.exhibit.connector.manifest.listings},
            "paged": lambda: {one.value: one for one in self.exhibit.paged},
            "secret": lambda: {
                one.name: one.name for one in self.exhibit.connector.manifest.credentials if one.sensitive
            },
        }
        for name, find in kinds.items():
            if name in metafunc.fixturenames:
                found = find()
                metafunc.parametrize(name, list(found.values()), ids=list(found))
        if "written" in metafunc.fixturenames:
            run = metafunc.config.stash.get(LIVE, None)
            shown = cases.written(self.exhibit) if run is not None and run.writes else []
            skipped = pytest.param(None, id="none", marks=pytest.mark.skip(reason=_NO_WRITES))
            metafunc.parametrize("written", [pytest.param(one, id=one.key) for one in shown] or [skipped])

    @pytest.fixture
    async def stand(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stand]:
        """The connector at its simulator."""
        if request.config.stash.get(LIVE, None) is not None:
            pytest.skip(_AT_THE_SIMULATOR)
        async with Stand.open(self.exhibit, tmp_path) as stand:
            yield stand

    @pytest.fixture
    async def account(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Account]:
        """The connector at its simulator, or at a real account."""
        run = request.config.stash.get(LIVE, None)
        async with Stand.open(self.exhibit, tmp_path) if run is None else run.open(self.exhibit) as account:
            yield account

    @pytest.fixture
    async def large_account(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Account]:
        """The same, with more records than fit on a page."""
        run = request.config.stash.get(LIVE, None)
        opened = Stand.open(self.exhibit, tmp_path, large=True) if run is None else run.open(self.exhibit)
        async with opened as account:
            yield account

    @pytest.fixture
    async def live_account(self, request: pytest.FixtureRequest) -> AsyncIterator[LiveAccount]:
        """The connector at a real account that may be written to."""
        async with request.config.stash[LIVE].open(self.exhibit) as account:
            yield account

    def test_every_offer_has_a_minimal_and_a_full_example(self) -> None:
        offered = {
            (offer.resource, offer.operation_type, offer.kind)
            for offer in self.exhibit.connector.manifest.offers
            if not offer.is_fanned_out
        }
        for name in ("minimal", "full"):
            shown = {
                (one.resource, one.operation_type, one.kind)
                for one in self.exhibit.examples
                if one.name.partition(" ")[0] == name
            }
            assert shown == offered

    async def test_an_example_arrives_with_exact_path_and_fields(self, stand: Stand, example: Example) -> None:
        write = await stand.write(example)
        session = stand.session()
        await self.exhibit.connector.check_login(session)
        since = await stand.control.last_sequence()

        outcome = await session.deliver(write)

        assert isinstance(outcome, Applied), outcome
        got = [as_sent(entry) for entry in await stand.control.requests(since)]
        expected = [msgspec.structs.replace(sent, is_read=False) for sent in stand.sent(example, write)]
        assert msgspec.to_builtins(got) == msgspec.json.decode(msgspec.json.encode(expected))

    async def test_what_is_sent_names_declared_budgets(self, stand: Stand, example: Example) -> None:
        session = stand.session()
        await session.deliver(await stand.write(example))
        declared = {budget.scope for budget in self.exhibit.connector.manifest.budgets}
        for call in session.calls:
            assert call.scopes
            assert set(call.scopes) <= declared

    async def test_translating_twice_gives_the_same(self, account: Account, example: Example) -> None:
        write = await account.write(example)
        assert self.exhibit.connector.translate(write) == self.exhibit.connector.translate(write)

    async def test_what_can_be_looked_up_is_what_the_manifest_says(self, account: Account, example: Example) -> None:
        offer = cases.offer_of(self.exhibit, example)
        can = self.exhibit.connector.can_look_up(await account.write(example))
        assert can is offer.idempotency.can_be_looked_up

    async def test_the_losses_of_an_example_are_told(self, account: Account, example: Example) -> None:
        translation = self.exhibit.connector.translate(await account.write(example))
        assert sorted({loss.field for loss in translation.losses}) == sorted(example.losses)

    async def test_what_was_made_is_listed_with_what_was_written(self, stand: Stand, held: Example) -> None:
        outcome = await stand.session().deliver(await stand.write(held))
        assert isinstance(outcome, Applied)
        await self._check_listed(stand, held, outcome.source_id)

    async def test_an_example_is_taken_and_can_be_seen_at_a_real_account(
        self, live_account: LiveAccount, written: Example
    ) -> None:
        write = await live_account.changing(written)
        session = live_account.session()
        outcome = await session.deliver(write)
        assert isinstance(outcome, Applied), outcome
        live_account.took(write, outcome)
        declared = {budget.scope for budget in self.exhibit.connector.manifest.budgets}
        assert {scope for call in session.calls for scope in call.scopes} <= declared
        if written.operation_type is CREATE and self.exhibit.connector.can_look_up(write):
            # What is complete may look like anybody's; but it must not seem to be missing, nor to be in the way.
            found = await live_account.look_up(write)
            assert not isinstance(found, Absent | Conflict), found
        if written.operation_type is CREATE and written.resource in HELD:
            await self._check_listed(live_account, written, outcome.source_id)

    async def test_each_answer_means_what_the_table_says(self, stand: Stand, told: Told) -> None:
        examples = [next(iter(self.exhibit.of(CREATE))), *self.exhibit.of(UPDATE, "full")[:1]]
        for example in examples:
            write = await stand.write(example)
            session = stand.session()
            await self.exhibit.connector.check_login(session)
            # Where a session is refused, the call is made once more with a new one.
            how = {"status": told.status, "body": told.body, "count": 2}
            await stand.break_call(stand.making(example, write), "status", **how)
            outcome = await session.deliver(write)
            await stand.control.clear_faults()
            meaning = told.row.update if write.operation_type is UPDATE else told.row.create
            if meaning is Meaning.THROTTLED_IF_TOLD:
                by_class = self.exhibit.outcomes.by_class[told.status // 100]
                meaning = by_class.update if write.operation_type is UPDATE else by_class.create
            if meaning is not Meaning.TAKEN:
                assert type(outcome) is cases.OUTCOMES[meaning], (example.key, outcome)

    async def test_a_refusal_with_a_wait_closes_for_so_long(self, stand: Stand) -> None:
        example = next(iter(self.exhibit.of(CREATE)))
        write = await stand.write(example)
        how = {"status": 429, "headers": {"Retry-After": "7"}}
        await stand.break_call(stand.making(example, write), "status", **how)
        outcome = await stand.session().deliver(write)
        assert isinstance(outcome, Throttled)
        assert outcome.retry_after_s == 7

    async def test_a_lost_answer_of_a_create_is_found_and_nothing_is_made_twice(
        self, stand: Stand, create: Example
    ) -> None:
        write = await stand.write(create)
        before = stand.count(create.resource)
        await stand.break_call(stand.making(create, write), "commit_then_drop")
        with pytest.raises(AnswerLostError):
            await stand.session().deliver(write)
        if not self.exhibit.connector.can_look_up(write):
            assert stand.count(create.resource) == before + self._makes(create)
            return
        found = await stand.look_up(write)
        assert isinstance(found, Found | Lookalike), found
        if isinstance(found, Found) and not found.is_complete:
            again = msgspec.structs.replace(write, made=found.source_id)
            assert isinstance(await stand.session(made=found.source_id).deliver(again), Applied)
        assert stand.count(create.resource) == before + self._makes(create)

    async def test_a_create_that_never_arrived_is_absent_and_can_be_sent(self, stand: Stand, create: Example) -> None:
        write = await stand.write(create)
        if not self.exhibit.connector.can_look_up(write):
            pytest.skip("the provider keeps nothing by which this could be looked up")
        before = stand.count(create.resource)
        await stand.break_call(stand.making(create, write), "drop_before")
        with pytest.raises(AnswerLostError):
            await stand.session().deliver(write)
        assert isinstance(await stand.look_up(write), Absent)
        assert isinstance(await stand.session().deliver(write), Applied)
        assert stand.count(create.resource) == before + self._makes(create)

    async def test_a_strangers_record_is_never_taken_for_ours(self, stand: Stand, create: Example) -> None:
        first, second = await stand.write(create), await stand.write(create)
        if not self.exhibit.connector.can_look_up(first):
            pytest.skip("the provider keeps nothing by which this could be looked up")
        assert isinstance(await stand.session().deliver(first), Applied)
        found = await stand.look_up(second)
        # Sightings are counted against what else of ours says the same, before they prove anything.
        assert not isinstance(found, Found) or found.sightings is not None

    async def test_a_lost_answer_of_an_update_is_read_back(self, stand: Stand, update: Example) -> None:
        write = await stand.write(update)
        await stand.break_call(stand.making(update, write), "drop_before")
        with pytest.raises(AnswerLostError):
            await stand.session().deliver(write)
        assert isinstance(await stand.look_up(write), Absent)
        await stand.break_call(stand.making(update, write), "commit_then_drop")
        with pytest.raises(AnswerLostError):
            await stand.session().deliver(write)
        found = await stand.look_up(write)
        assert isinstance(found, Found), found
        assert write.target is not None
        assert found.source_id == write.target.source_id

    async def test_good_credentials_are_accepted(self, account: Account) -> None:
        assert isinstance(await self.exhibit.connector.check_login(account.session()), dict)

    async def test_a_login_names_its_account_and_another_login_another(self, stand: Stand) -> None:
        names = [await stand.account_of(login) for login in (stand.login, *stand.other_logins)]
        assert None not in names
        assert len(set(names)) == len(names)
        # A second login to the same account, where credentials can be used again.
        assert await stand.account_of(stand.login) == names[0]

    async def test_a_wrong_secret_is_refused(self, stand: Stand, secret: str) -> None:
        if secret not in stand.login.credentials:
            pytest.skip("the demo account does without it")
        wrong = {**stand.login.credentials, secret: "wrong"}
        with pytest.raises(LoginRefusedError):
            await self.exhibit.connector.check_login(
                stand.session(msgspec.structs.replace(stand.login, credentials=wrong))
            )

    async def test_a_session_that_ended_is_replaced_and_the_write_made_once(self, stand: Stand) -> None:
        connector = self.exhibit.connector
        if not isinstance(connector, SessionConnector) or not connector.needs_session(stand.login):
            pytest.skip("calls carry the credentials themselves")
        example = next(iter(self.exhibit.of(CREATE)))
        write = await stand.write(example)
        session = stand.session()
        await self.exhibit.connector.check_login(session)
        assert await stand.control.end_sessions() > 0
        before = stand.count(example.resource)
        assert isinstance(await session.deliver(write), Applied)
        assert stand.count(example.resource) == before + self._makes(example)

    async def test_lists_name_every_record_once(self, account: Account, listed: ResourceEnum) -> None:
        if listed not in HELD and isinstance(account, Stand):
            # No simulator begins with some.
            made = next(one for one in self.exhibit.of(CREATE) if one.resource is listed)
            assert isinstance(await account.session().deliver(await account.write(made)), Applied)
        pages = await account.pages(listed)
        ids = ids_of(pages)
        if not ids:
            account.lacks(f"a {listed.value}")
        assert len(ids) == len(set(ids))
        assert [page.is_last for page in pages] == [False] * (len(pages) - 1) + [True]

    async def test_a_read_that_fails_means_what_the_table_says_of_an_update(self, stand: Stand, told: Told) -> None:
        listing = self.exhibit.connector.manifest.listings[0]
        session = stand.session()
        async for _ in self.exhibit.connector.list_records(listing.resource, session):
            break
        body = told.body.encode() if isinstance(told.body, str) else msgspec.json.encode(told.body)
        answer = HttpAnswer(told.status, CIMultiDictProxy(CIMultiDict()), body, 0.0)
        outcome = self.exhibit.connector.read_failure(session.calls[-1], answer)
        meaning = told.row.update
        if meaning is Meaning.THROTTLED_IF_TOLD:
            meaning = self.exhibit.outcomes.by_class[told.status // 100].update
        if meaning is not Meaning.TAKEN:
            assert type(outcome) is cases.OUTCOMES[meaning], outcome

    async def test_a_list_goes_on_behind_any_page(self, large_account: Account, paged: ResourceEnum) -> None:
        pages = await large_account.pages(paged)
        if len(pages) < 2:
            large_account.lacks(f"more than one page of {paged.value}s")
        for number, page in enumerate(pages[:-1][: large_account.most_resumptions], 1):
            rest = await large_account.pages(paged, page.cursor)
            assert ids_of(rest) == ids_of(pages[number:])

    def test_what_is_not_offered_is_refused_as_such(
        self, unoffered: tuple[ResourceEnum, ResourceOperationTypeEnum]
    ) -> None:
        resource, operation_type = unoffered
        body_type = WRITE_BODIES[unoffered]
        write = Write(
            operation_id=UUID(int=1),
            resource=resource,
            operation_type=operation_type,
            body=msgspec.convert({name: sample(body_type, name) for name in required_fields(body_type)}, body_type),
        )
        with pytest.raises(UnofferedWriteError):
            self.exhibit.connector.translate(write)

    async def test_a_field_that_the_provider_demands_is_asked_for_by_our_name(
        self, account: Account, demanded: tuple[Example, str]
    ) -> None:
        example, field = demanded
        body = {name: value for name, value in example.body.items() if name != field}
        write = await account.write(example, body)
        with pytest.raises(UntranslatableWriteError) as refused:
            self.exhibit.connector.translate(write)
        assert field in {fault.field for fault in refused.value.faults}

    async def test_a_field_without_a_place_is_a_loss_and_an_essential_one_refused(
        self, account: Account, lost: tuple[Example, str]
    ) -> None:
        example, field = lost
        offer = cases.offer_of(self.exhibit, example)
        body_type = WRITE_BODIES[example.resource, example.operation_type]
        given = {**example.body} if field in example.refers_to else {**example.body, field: sample(body_type, field)}
        strict = await account.write(example, given, allow_losses=False)
        lenient = msgspec.structs.replace(strict, allow_losses=True)
        assert field in {loss.field for loss in self.exhibit.connector.translate(lenient).losses}
        rule = offer.table[field]
        if isinstance(rule, NoPlace) and rule.essential:
            with pytest.raises(UntranslatableWriteError) as refused:
                self.exhibit.connector.translate(strict)
            assert (field, ErrorType.LOSS) in {(fault.field, fault.error_type) for fault in refused.value.faults}

    async def _check_listed(self, account: Account, example: Example, source_id: str) -> None:
        """Make sure that the provider lists what was made, with what was written."""
        (record,) = [one for one in await account.records(example.resource) if one.source_id == source_id]
        left_out = {*example.losses, *self.exhibit.unreadable}
        kind = example.resource.value
        written = {name: value for name, value in example.body.items() if not {name, f"{kind}.{name}"} & left_out}
        shown = msgspec.to_builtins({name: record.attributes.get(name) for name in written})
        assert comparable(shown) == comparable(written)

    def _makes(self, example: Example) -> int:
        return self.exhibit.makes.get(example.key, 1)

    async def test_no_secret_is_logged_or_told(self, stand: Stand) -> None:
        sensitive = {field.name for field in self.exhibit.connector.manifest.credentials if field.sensitive}
        texts: list[str] = []
        for example in self.exhibit.examples:
            write = await stand.write(example)
            session = stand.session()
            texts.append(repr(self.exhibit.connector.translate(write)))
            await stand.break_call(stand.making(example, write), "status", status=400)
            texts.append(repr(await session.deliver(write)))
            await stand.control.clear_faults()
            texts.append(repr(await session.deliver(write)))
        texts.append(repr(await stand.control.requests()))
        secrets = {value for name, value in stand.login.credentials.items() if name in sensitive} | {SECRETS}
        for secret in secrets:
            assert not any(secret in text for text in texts), "a secret was logged or told"
