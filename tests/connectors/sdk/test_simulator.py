"""The base of the simulators over a real socket, with a provider of one list."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from fleetwrite.connectors.sdk.simulator import (
    Answer,
    Arriving,
    Call,
    Caller,
    Endpoint,
    KeyedLimit,
    Limit,
    Record,
    RefusalError,
    Simulator,
    SimulatorInUseError,
)


class ThingsSimulator(Simulator):
    """Takes things and gives them back. A token is an organisation's name."""

    name = "things"
    secret_fields = frozenset({"password"})
    collections = ("things",)
    organization_ids = ("acme", "zeta")

    def prepare(self) -> None:
        """Need nothing."""

    def endpoints(self) -> Sequence[Endpoint]:
        return (
            Endpoint("POST", "/things", self.create, "write", Limit(requests=3, per_seconds=3600)),
            Endpoint("GET", "/things/{id}", self.read),
            Endpoint("DELETE", "/things", self.fail_after_write),
        )

    def authenticate(self, arriving: Arriving) -> Caller:
        name = arriving.headers.get("Authorization", "")
        if name not in self.organization_ids:
            raise RefusalError(401, "who are you")
        return Caller(name, name, frozenset({"write"} if name == "acme" else ()))

    def limits(self, caller: Caller, endpoint: Endpoint | None) -> Sequence[KeyedLimit]:
        if endpoint is None or endpoint.limit is None:
            return ()
        return [KeyedLimit((caller.token, endpoint.path), endpoint.limit)]

    def render(self, refusal: RefusalError, path: str) -> Answer:
        return Answer(refusal.status, {"error": refusal.message, "path": path}, refusal.headers)

    def records(self, organization: str, collection: str) -> list[Record]:
        return list(self.storage.collection(organization, collection).values())

    def create(self, call: Call) -> Answer:
        key = str(self.storage.next_number("next thing", 1))
        thing = {"id": key, "name": call.json()["name"]}
        self.storage.put(call.caller.organization, "things", key, thing)
        return Answer(200, thing)

    def read(self, call: Call) -> Answer:
        thing = self.storage.collection(call.caller.organization, "things").get(call.path_ids["id"])
        if thing is None:
            raise RefusalError(404, "no such thing")
        return Answer(200, thing)

    def fail_after_write(self, call: Call) -> Answer:
        self.storage.put(call.caller.organization, "things", "half", {"id": "half"})
        raise RefusalError(400, "changed my mind")


ACME = "acme"


class Client:
    """Calls the simulator as an organisation, and its control API."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def call(self, method: str, path: str, body: Any = None, token: str = ACME) -> tuple[int, Any]:
        async with self.session.request(
            method, self.url + path, json=body, headers={"Authorization": token}
        ) as response:
            text = await response.text()
            return response.status, await response.json() if response.content_type.endswith("json") else text

    async def create(self, name: str = "a") -> tuple[int, Any]:
        return await self.call("POST", "/things", {"name": name})

    async def log(self, since: int = 0) -> list[dict[str, Any]]:
        status, answer = await self.call("GET", f"/_simulator/requests?since={since}")
        assert status == 200
        requests: list[dict[str, Any]] = answer["requests"]
        return requests

    async def records(self) -> list[dict[str, Any]]:
        status, answer = await self.call("GET", "/_simulator/records/things")
        assert status == 200
        records: list[dict[str, Any]] = answer["records"]
        return records

    async def fault(self, **fault: Any) -> None:
        status, answer = await self.call("POST", "/_simulator/faults", fault)
        assert status == 200, answer


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[ThingsSimulator]:
    simulator = ThingsSimulator(tmp_path)
    yield simulator
    await simulator.stop()


@pytest.fixture
async def client(simulator: ThingsSimulator) -> AsyncIterator[Client]:
    url = await simulator.start()
    # A connection per call: a client that reuses one may silently repeat a call whose connection was cut.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        yield Client(session, url)


async def test_every_call_is_logged_with_what_it_was_and_what_it_got(client: Client) -> None:
    await client.call("POST", "/things?a=1&a=2&b=x", {"name": "a", "list": [1, 2.5, None]})
    await client.call("GET", "/things/no%3Aone")
    first, second = await client.log()
    assert isinstance(first.pop("at"), float)
    assert first == {
        "sequence": 1,
        "method": "POST",
        "path": "/things",
        "operation": None,
        "query": {"a": ["1", "2"], "b": "x"},
        "body": {"name": "a", "list": [1, 2.5, None]},
        "status": 200,
    }
    assert {**second, "at": first.get("at")} == {
        "sequence": 2,
        "at": first.get("at"),
        "method": "GET",
        "path": "/things/no:one",
        "operation": None,
        "query": {},
        "body": None,
        "status": 404,
    }


async def test_refused_calls_are_logged_too(client: Client) -> None:
    await client.call("POST", "/things", {"name": "a"}, token="nobody")
    await client.call("POST", "/things", {"name": "a"}, token="zeta")
    await client.call("PATCH", "/things")
    await client.call("GET", "/nowhere")
    assert [call["status"] for call in await client.log()] == [401, 403, 405, 404]


async def test_the_log_can_be_read_on_from_a_sequence_number(client: Client) -> None:
    for _ in range(3):
        await client.call("GET", "/things/1")
    assert [call["sequence"] for call in await client.log(since=1)] == [2, 3]
    assert await client.log(since=3) == []


async def test_a_log_longer_than_a_page_comes_whole(client: Client, simulator: ThingsSimulator) -> None:
    for number in range(2500):
        simulator.storage.log({"status": number})
    assert [call["status"] for call in await client.log()] == list(range(2500))


async def test_secrets_are_not_in_the_log(client: Client, tmp_path: Path) -> None:
    await client.call("POST", "/things?password=hush-1", {"name": "a", "more": [{"password": "hush-2"}]})
    async with client.session.post(
        client.url + "/things", data=b"password=hush-3&x=1", headers={"Authorization": "nobody"}
    ):
        pass
    first, second = await client.log()
    assert first["query"] == {"password": "***"}
    assert first["body"] == {"name": "a", "more": [{"password": "***"}]}
    assert second["body"] == "***"
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())  # noqa: ASYNC240 - two small files
    assert b"hush" not in files
    assert b"nobody" not in files


async def test_a_body_that_is_no_json_is_logged_as_text(client: Client) -> None:
    async with client.session.post(client.url + "/things", data=b"\xffabc", headers={"Authorization": "nobody"}):
        pass
    assert [call["body"] for call in await client.log()] == ["\ufffdabc"]


async def test_records_are_kept_apart_by_organisation(client: Client) -> None:
    await client.create("mine")
    assert (await client.call("GET", "/things/1", token="zeta"))[0] == 404
    assert await client.records() == [{"id": "1", "name": "mine"}]
    _, answer = await client.call("GET", "/_simulator/records/things?organization=zeta")
    assert answer == {"records": []}


async def test_what_a_refused_call_wrote_is_undone(client: Client, simulator: ThingsSimulator) -> None:
    await client.create()
    assert (await client.call("DELETE", "/things"))[0] == 400
    assert [record["id"] for record in await client.records()] == ["1"]
    await simulator.stop()
    client.url = await simulator.start()
    assert [record["id"] for record in await client.records()] == ["1"]


async def test_records_log_and_limits_survive_a_restart(client: Client, simulator: ThingsSimulator) -> None:
    await client.create("before")
    await client.call("PUT", "/_simulator/limits", {"requests": 2, "per_seconds": 3600, "kind": "fixed"})
    await simulator.stop()
    client.url = await simulator.start()
    assert await client.create("after") == (200, {"id": "2", "name": "after"})
    assert [record["name"] for record in await client.records()] == ["before", "after"]
    assert [call["sequence"] for call in await client.log()] == [1, 2]
    assert [(await client.create())[0] for _ in range(2)] == [200, 429]


async def test_a_second_simulator_on_the_same_data_is_refused(client: Client, tmp_path: Path) -> None:
    assert (await client.create())[0] == 200
    second = ThingsSimulator(tmp_path)
    with pytest.raises(SimulatorInUseError, match="in use by another simulator"):
        await second.start()
    await second.stop()


async def test_fault_status_answers_so_often_and_does_no_work(client: Client) -> None:
    await client.fault(
        method="POST",
        path="/thin",
        kind="status",
        status=503,
        headers={"Retry-After": "7"},
        body={"down": 1},
        count=2,
    )
    assert (await client.call("GET", "/things/1"))[0] == 404
    assert [await client.create() for _ in range(2)] == [(503, {"down": 1})] * 2
    assert (await client.create())[0] == 200
    assert [call["status"] for call in await client.log()] == [404, 503, 503, 200]
    assert len(await client.records()) == 1


async def test_fault_status_without_a_body_has_the_providers_own_and_text_is_sent_as_text(client: Client) -> None:
    await client.fault(method="*", path="/", kind="status", status=500)
    await client.fault(path="/", kind="status", status=502, body="<html>Bad gateway</html>")
    assert await client.create() == (500, {"error": "Simulated fault.", "path": "/things"})
    assert await client.create() == (502, "<html>Bad gateway</html>")


async def test_fault_delay_waits_before_the_provider_commits(client: Client, simulator: ThingsSimulator) -> None:
    await client.fault(method="POST", path="/things", kind="delay", delay_s=0.2)
    with pytest.raises(TimeoutError):
        await client.session.post(
            client.url + "/things",
            json={"name": "late"},
            headers={"Authorization": "acme"},
            timeout=aiohttp.ClientTimeout(total=0.05),
        )
    assert await client.records() == []
    while not await client.log():
        assert simulator.faults.left() == []
    assert [record["name"] for record in await client.records()] == ["late"]


async def test_a_slow_call_is_not_missed_by_who_polls_the_log(client: Client) -> None:
    await client.fault(method="POST", path="/things", kind="delay", delay_s=0.2)
    session = client.session
    slow = session.post(client.url + "/things", json={"name": "slow"}, headers={"Authorization": "acme"})
    task = asyncio.ensure_future(slow.__aenter__())
    while (await client.call("GET", "/_simulator/faults"))[1] != {"faults": []}:
        pass
    await client.call("GET", "/things/1")
    seen = await client.log()
    (await task).close()
    assert [call["method"] for call in seen] == ["GET"]
    (late,) = await client.log(since=seen[-1]["sequence"])
    assert late["method"] == "POST"
    assert late["at"] < seen[0]["at"]


async def test_fault_drop_before_cuts_the_connection_and_does_no_work(client: Client) -> None:
    await client.fault(method="POST", path="/things", kind="drop_before")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.create()
    assert await client.records() == []
    assert [call["status"] for call in await client.log()] == [0]


async def test_fault_commit_then_drop_does_the_work_and_cuts_the_connection(client: Client) -> None:
    await client.fault(method="POST", path="/things", kind="commit_then_drop")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.create("kept")
    assert [record["name"] for record in await client.records()] == ["kept"]
    assert [call["status"] for call in await client.log()] == [200]


async def test_faults_can_be_taken_back(client: Client) -> None:
    await client.fault(path="/", kind="drop_before", count=5)
    assert await client.call("DELETE", "/_simulator/faults") == (200, {"faults": []})
    assert (await client.create())[0] == 200


async def test_a_call_over_its_limit_gets_429_with_fractional_seconds_to_wait(client: Client) -> None:
    for _ in range(3):
        assert (await client.create())[0] == 200
    async with client.session.post(
        client.url + "/things", json={"name": "x"}, headers={"Authorization": "acme"}
    ) as response:
        assert response.status == 429
        assert 0 < float(response.headers["Retry-After"]) <= 3600
        assert "." in response.headers["Retry-After"]
    assert [call["status"] for call in await client.log()] == [200, 200, 200, 429]


async def test_put_limits_replaces_all_limits_by_one_per_token(client: Client) -> None:
    assert [(await client.create())[0] for _ in range(4)] == [200, 200, 200, 429]
    limit = {"requests": 5, "per_seconds": 3600.0, "kind": "sliding"}
    assert await client.call("PUT", "/_simulator/limits", limit) == (200, {"limits": [limit]})
    assert [(await client.create())[0] for _ in range(6)] == [200] * 5 + [429]
    assert (await client.call("GET", "/things/1", token="zeta"))[0] == 404
    assert (await client.call("DELETE", "/_simulator/limits"))[0] == 200
    assert [(await client.create())[0] for _ in range(4)] == [200, 200, 200, 429]


async def test_the_control_api_is_neither_limited_nor_logged_nor_hit_by_faults(client: Client) -> None:
    await client.call("PUT", "/_simulator/limits", {"requests": 1, "per_seconds": 3600, "kind": "bucket"})
    await client.fault(path="/", kind="drop_before")
    for _ in range(3):
        assert await client.log() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("GET", "/_simulator/requests?since=x", None, "since must be a sequence number"),
        ("POST", "/_simulator/faults", {"path": "/", "kind": "explode"}, "explode"),
        ("POST", "/_simulator/faults", {"kind": "drop_before"}, "`path`"),
        ("POST", "/_simulator/faults", {"path": "things", "kind": "drop_before"}, "slash"),
        ("POST", "/_simulator/faults", {"path": "/", "kind": "status"}, "status must be from 200 to 599"),
        ("POST", "/_simulator/faults", {"path": "/", "kind": "delay"}, "delay_s"),
        ("POST", "/_simulator/faults", {"path": "/", "kind": "drop_before", "count": 0}, "count"),
        ("POST", "/_simulator/faults", {"path": "/", "kind": "drop_before", "cuont": 1}, "cuont"),
        ("PUT", "/_simulator/limits", {"requests": 0, "per_seconds": 1, "kind": "fixed"}, "requests"),
        ("PUT", "/_simulator/limits", {"requests": 1, "per_seconds": 1, "kind": "leaky"}, "leaky"),
        ("PUT", "/_simulator/limits", {"per_seconds": 1}, "requests"),
    ],
)
async def test_bad_control_input_is_refused_with_a_clear_text(
    client: Client, method: str, path: str, body: Any, words: str
) -> None:
    status, answer = await client.call(method, path, body)
    assert status == 400
    assert words in answer["error"]


async def test_an_unknown_collection_names_those_that_exist(client: Client) -> None:
    status, answer = await client.call("GET", "/_simulator/records/trucks")
    assert status == 404
    assert "things" in answer["error"]
