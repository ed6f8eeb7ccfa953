"""Whatever somebody hands in as a URL, and whatever its name resolves to, no socket goes into a network of ours.

Counted where it cannot be argued with: by an audit hook on `socket.connect`. Public addresses are noted and not called.
"""

import errno
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetwrite.connectors.geotab import rpc as geotab
from fleetwrite.connectors.geotab.endpoints import AUTHENTICATE
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.connectors.traccar.connector import CONNECTOR as TRACCAR
from fleetwrite.connectors.traccar.endpoints import LIST_POSITIONS
from fleetwrite.kit import egress as egress_module
from fleetwrite.kit.egress import Egress, EgressError
from fleetwrite.kit.egress_errors import ForbiddenUrlError
from fleetwrite.kit.url_policy import UrlPolicy

PUBLIC = ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946")
OPEN_HTTP = UrlPolicy(allow_http=True)
"""As lenient as an operator can be without naming networks."""


class Watch:
    """Where sockets were connected to."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.let_through: set[int] = set()

    @property
    def not_public(self) -> list[str]:
        return [address for address in self.addresses if address not in PUBLIC]


_watching: list[Watch] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _watching and isinstance(arguments[1], tuple):
        host, port = arguments[1][:2]
        _watching[-1].addresses.append(host)
        if port not in _watching[-1].let_through:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "no test calls the world")


@cache
def _take_notes() -> None:
    """For good: there is no way to take a hook away, so it looks whether anybody watches."""
    sys.addaudithook(_note)


@contextmanager
def watched() -> Iterator[Watch]:
    _take_notes()
    _watching.append(Watch())
    try:
        yield _watching[-1]
    finally:
        _watching.pop()


class Answers(AbstractResolver):
    """A name server in hostile hands: gives one answer after the other, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> list[ResolveResult]:
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        if not answer:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in answer
        ]

    async def close(self) -> None:
        """Nothing to close."""


class AsLibc(Answers):
    """Takes every spelling of an address that the C library takes; any other name leads to a private one."""

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> list[ResolveResult]:
        try:
            self._answers = [[socket.inet_ntoa(socket.inet_aton(host))]]
        except (OSError, UnicodeError):
            self._answers = [["10.0.0.1"]]
        return await super().resolve(host, port, family)


HOSTILE_V4 = (
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 - not bound to, but called
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.1.1",
    "169.254.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.127.255.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
)
HOSTILE_V6 = (
    "::",
    "::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "fc00::1",
    "fd00::1",
    "fd00:ec2::254",
    "ff02::1",
    "ff0e::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "4000::1",
)


def spellings(text: str) -> Iterator[str]:
    """How else one may write an IPv4 address, in the hope that somebody reads it."""
    address = IPv4Address(text)
    one, two, three, four = address.packed
    number = int(address)
    yield from (
        text,
        f"{text}.",
        str(number),
        hex(number),
        f"0{number:o}",
        f"{one:#x}.{two:#x}.{three:#x}.{four:#x}",
        f"0{one:o}.0{two:o}.0{three:o}.0{four:o}",
        f"{one}.{number & 0xFFFFFF}",
        f"{one}.{two}.{number & 0xFFFF}",
        f"{one:03}.{two:03}.{three:03}.{four:03}",
        f"{one}.{two}..{four}",
        f"[::ffff:{text}]",
        f"[::ffff:{one:02x}{two:02x}:{three:02x}{four:02x}]",
        f"[::ffff:0:{text}]",
        f"[::{text}]",
        f"[64:ff9b::{text}]",
        f"[2002:{one:02x}{two:02x}:{three:02x}{four:02x}::1]",
        text.replace(".", "%2e"),
        text.replace(".", "。"),
        f"%{ord(text[0]):02x}{text[1:]}",
    )


HOSTILE_HOSTS = (
    *(spelling for text in HOSTILE_V4 for spelling in spellings(text)),
    *(f"[{text}]" for text in HOSTILE_V6),
    "[fe80::1%25eth0]",
    "[::1%25lo]",
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "①②⑦.⓪.⓪.①",
    "\uff11\uff12\uff17.0.0.1",  # digits of full width
    "127.0.0.1\t",
    "127.0.0.1%00.example.com",
    "0",
    "0x0",
    "0x",
    "127.1",
    "user@127.0.0.1",
    "example.com@127.0.0.1",
    "example.com\\@127.0.0.1",
    "127.0.0.1\\@example.com",
    "[::1",
    "[::1]x",
    "[127.0.0.1]",
    "",
    ".",
)
HOSTILE_ANSWERS: tuple[tuple[Sequence[str], ...], ...] = (
    *(([text],) for text in (*HOSTILE_V4, *HOSTILE_V6, "fe80::1%eth0", "::ffff:127.0.0.1", "::127.0.0.1")),
    *(([PUBLIC[0], text],) for text in HOSTILE_V4),
    # Rebinding: fit to be seen while it is checked, something else when it is called.
    *(([PUBLIC[0]], [text]) for text in (*HOSTILE_V4, *HOSTILE_V6)),
    *(([PUBLIC[1]], [PUBLIC[1]], [text]) for text in HOSTILE_V6),
    ([PUBLIC[0]], ["127.0.0.1"], [PUBLIC[0]], ["10.0.0.1"]),
    ([PUBLIC[1], "::1", "127.0.0.1"],),
    ([],),
)


async def attempt(url: str, resolver: AbstractResolver, policy: UrlPolicy = OPEN_HTTP) -> list[bool]:
    """What a subscription goes through: it is checked when it comes, and called again and again. True: it was."""
    came_through = []
    for _ in range(2):  # the second is another process, which remembers no name
        async with Egress(policy, connect_timeout_s=1.0, resolver=resolver) as egress:
            with suppress(EgressError):
                await egress.check(url)
            for _ in range(2):
                try:
                    answer = await egress.request("POST", url, body=b"{}", timeout_s=2.0)
                except EgressError:
                    came_through.append(False)
                else:
                    came_through.append(answer.status == 200)
    return came_through


def test_the_tables_are_long() -> None:
    assert len(set(HOSTILE_HOSTS)) + len(HOSTILE_ANSWERS) >= 200


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_hostile_host_is_connected_to(scheme: str) -> None:
    with watched() as watch:
        for host in HOSTILE_HOSTS:
            for suffix in ("/", ":8080/latest?x=1#y"):
                assert not any(await attempt(f"{scheme}://{host}{suffix}", AsLibc(["10.0.0.1"])))
    assert watch.addresses == []


async def test_no_hostile_host_passes_when_it_is_handed_in() -> None:
    async with Egress(OPEN_HTTP, resolver=AsLibc(["10.0.0.1"])) as egress:
        for host in HOSTILE_HOSTS:
            with pytest.raises(ForbiddenUrlError):
                await egress.check(f"http://{host}/")


async def test_no_hostile_answer_of_a_name_server_leads_a_socket_astray() -> None:
    with watched() as watch:
        for answers in HOSTILE_ANSWERS:
            assert not any(await attempt("http://hooks.example.com/in", Answers(*answers)))
    assert watch.not_public == []
    assert set(watch.addresses) == set(PUBLIC)  # what was fit to be called was tried


async def test_what_is_counted_would_be_seen() -> None:
    """The same call with loopback permitted reaches a server, and the watch says so."""
    app = web.Application()

    async def answer(_request: web.Request) -> web.Response:
        return web.Response()

    app.router.add_post("/in", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    permitted = UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
    with watched() as watch:
        watch.let_through.add(port)
        for url in (f"http://127.0.0.1:{port}/in", f"http://hooks.example.com:{port}/in"):
            assert await attempt(url, Answers(["127.0.0.1"]), permitted) == [True] * 4
    await runner.cleanup()
    # Two processes each: the second call of each goes over the connection of the first.
    assert watch.not_public == ["127.0.0.1"] * 4


async def test_without_a_policy_the_hostile_answers_would_be_connected_to() -> None:
    anything = UrlPolicy(allow_http=True, allowed_networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    with watched() as watch:
        for text in (*HOSTILE_V4, *HOSTILE_V6):
            await attempt("http://hooks.example.com/in", Answers([text]), anything)
    assert set(watch.not_public) == {*HOSTILE_V4, *HOSTILE_V6}


async def test_a_resolver_that_lets_everything_through_still_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    async def careless(self: Any, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return await Answers(HOSTILE_V4).resolve(host, port, family)

    monkeypatch.setattr(egress_module._PolicyResolver, "resolve", careless)
    with watched() as watch:
        assert not any(await attempt("http://hooks.example.com/in", Answers([])))
    assert watch.addresses == []


async def test_a_provider_s_host_is_no_way_round() -> None:
    """What a fleet enters as an address, and where Geotab says that a database lives."""
    with watched() as watch:
        for host in HOSTILE_HOSTS:
            moved = Login(
                base_url="https://my.geotab.com",
                credentials={"database": "d", "username": "u", "password": "p"},
                settings={},
                session={"database": "d", "userName": "u", "sessionId": "s", "path": host},
            )
            own = Login(base_url=f"http://{host}", credentials={"token": "t"}, settings={})
            for request in (
                geotab.render(AUTHENTICATE.call(), moved),
                TRACCAR.render(LIST_POSITIONS.call(), own),
            ):
                assert not any(await attempt(request.url, AsLibc(["10.0.0.1"])))
    assert watch.addresses == []


PIECES = st.sampled_from(
    [*"0123456789abcdefx.:[]%@/\\#?-_ \t", "0x7f", "127", "::", "ffff", "localhost", "。", "①", "%2e", "%00", "xn--"]
)


@settings(max_examples=300, deadline=None)
@given(host=st.one_of(st.lists(PIECES, max_size=12).map("".join), st.ip_addresses().map(str), st.text(max_size=20)))
async def test_no_host_that_anybody_makes_up_leads_into_our_networks(host: str) -> None:
    with watched() as watch:
        for text in (host, f"[{host}]"):
            with suppress(ValueError):
                await attempt(f"http://{text}/", AsLibc(["10.0.0.1"]))
    for address in map(ip_address, watch.addresses):
        assert address.is_global
        assert not address.is_multicast
        if isinstance(address, IPv6Address):
            assert address in ip_network("2000::/3")
            assert (address.ipv4_mapped, address.sixtofour, address.teredo) == (None, None, None)
