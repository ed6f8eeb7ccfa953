"""The checks that every connector has to pass, against its simulator over HTTP.

A connector's test file derives a class from `ConnectorSuite` and sets `exhibit`; each check then runs once for each
example, row, field or resource that it applies to.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import pytest

from fleetwrite.connectors.sdk.connector import LoginRefusedError, SessionConnector
from fleetwrite.connectors.sdk.examples import Example
from fleetwrite.connectors.sdk.mapping import NoPlace
from fleetwrite.connectors.sdk.outcome import (
    Absent,
    Applied,
    AuthFailed,
    Forbidden,
    Found,
    Lookalike,
    Outcome,
    Rejected,
    Throttled,
    Transient,
    Uncertain,
)
from fleetwrite.connectors.sdk.outcome_table import Meaning
from fleetwrite.connectors.sdk.suite import cases
from fleetwrite.connectors.sdk.suite.cases import CREATE, UPDATE, Told
from fleetwrite.connectors.sdk.suite.exhibit import Exhibit, Sent
from fleetwrite.connectors.sdk.suite.samples import required_fields, sample
from fleetwrite.connectors.sdk.suite.session import SECRETS
from fleetwrite.connectors.sdk.suite.stand import Stand
from fleetwrite.connectors.sdk.write import UnofferedWriteError, UntranslatableWriteError, Write
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.errors import ErrorType
from fleetwrite.contract.telematics import WRITE_BODIES
from fleetwrite.kit.egress import AnswerLostError

OUTCOMES: dict[Meaning, type[Outcome]] = {
    Meaning.REJECTED: Rejected,
    Meaning.FORBIDDEN: Forbidden,
    Meaning.NO_LOGIN: AuthFailed,
    Meaning.THROTTLED: Throttled,
    Meaning.TRANSIENT: Transient,
    Meaning.UNCERTAIN: Uncertain,
}

HELD = frozenset({ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER})
"""Resources whose records can be read back."""


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

    @pytest.fixture
    async def stand(self, tmp_path: Path) -> AsyncIterator[Stand]:
        """The connector at its simulator."""
        async with Stand.open(self.exhibit, tmp_path) as stand:
            yield stand

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
        got = [_as_sent(entry) for entry in await stand.control.requests(since)]
        expected = [msgspec.structs.replace(sent, is_read=False) for sent in stand.sent(example, write)]
        assert msgspec.to_builtins(got) == msgspec.json.decode(msgspec.json.encode(expected))

    async def test_what_is_sent_names_declared_budgets(self, stand: Stand, example: Example) -> None:
        session = stand.session()
        await session.deliver(await stand.write(example))
        declared = {budget.scope for budget in self.exhibit.connector.manifest.budgets}
        for call in session.calls:
            assert call.scopes
            assert set(call.scopes) <= declared

    async def test_translating_twice_gives_the_same(self, stand: Stand, example: Example) -> None:
        write = await stand.write(example)
        assert self.exhibit.connector.translate(write) == self.exhibit.connector.translate(write)

    async def test_the_losses_of_an_example_are_told(self, stand: Stand, example: Example) -> None:
        translation = self.exhibit.connector.translate(await stand.write(example))
        assert sorted({loss.field for loss in translation.losses}) == sorted(example.losses)

    async def test_what_was_made_is_listed_with_what_was_written(self, stand: Stand, held: Example) -> None:
        outcome = await stand.session().deliver(await stand.write(held))
        assert isinstance(outcome, Applied)
        (record,) = [one for one in await stand.records(held.resource) if one.source_id == outcome.source_id]
        left_out = {*held.losses, *self.exhibit.unreadable}
        written = {
            name: value for name, value in held.body.items() if not {name, f"{held.resource.value}.{name}"} & left_out
        }
        shown = msgspec.to_builtins({name: record.attributes.get(name) for name in written})
        assert _comparable(shown) == _comparable(written)

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
                assert type(outcome) is OUTCOMES[meaning], (example.key, outcome)

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

    async def test_good_credentials_are_accepted(self, stand: Stand) -> None:
        assert isinstance(await self.exhibit.connector.check_login(stand.session()), dict)

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

    async def test_lists_name_every_record_once(self, stand: Stand, listed: ResourceEnum) -> None:
        pages = await stand.pages(listed)
        ids = [record.source_id for page in pages for record in page.records]
        assert ids
        assert len(ids) == len(set(ids))
        assert [page.is_last for page in pages] == [False] * (len(pages) - 1) + [True]

    async def test_a_list_goes_on_behind_any_page(self, tmp_path: Path, paged: ResourceEnum) -> None:
        async with Stand.open(self.exhibit, tmp_path, large=True) as stand:
            pages = await stand.pages(paged)
            assert len(pages) > 1
            for number, page in enumerate(pages[:-1], 1):
                rest = await stand.pages(paged, page.cursor)
                assert _ids(rest) == _ids(pages[number:])

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
        self, stand: Stand, demanded: tuple[Example, str]
    ) -> None:
        example, field = demanded
        body = {name: value for name, value in example.body.items() if name != field}
        write = await stand.write(example, body)
        with pytest.raises(UntranslatableWriteError) as refused:
            self.exhibit.connector.translate(write)
        assert field in {fault.field for fault in refused.value.faults}

    async def test_a_field_without_a_place_is_a_loss_and_an_essential_one_refused(
        self, stand: Stand, lost: tuple[Example, str]
    ) -> None:
        example, field = lost
        offer = cases.offer_of(self.exhibit, example)
        body_type = WRITE_BODIES[example.resource, example.operation_type]
        given = {**example.body} if field in example.refers_to else {**example.body, field: sample(body_type, field)}
        strict = await stand.write(example, given, allow_losses=False)
        lenient = msgspec.structs.replace(strict, allow_losses=True)
        assert field in {loss.field for loss in self.exhibit.connector.translate(lenient).losses}
        rule = offer.table[field]
        if isinstance(rule, NoPlace) and rule.essential:
            with pytest.raises(UntranslatableWriteError) as refused:
                self.exhibit.connector.translate(strict)
            assert (field, ErrorType.LOSS) in {(fault.field, fault.error_type) for fault in refused.value.faults}

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


def _as_sent(entry: dict[str, Any]) -> Sent:
    names = ("method", "path", "operation", "query", "body")
    return Sent(**{name: entry[name] for name in names})


def _comparable(value: Any) -> Any:
    """JSON values such that 1, 1.0 and "1" of a decimal are the same."""
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items()}
    if isinstance(value, bool) or value is None:
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _ids(pages: Any) -> list[str]:
    return [record.source_id for page in pages for record in page.records]
