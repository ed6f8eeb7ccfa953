import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest

from fleetwrite.kit.egress import AnswerLostError, AnswerTooLargeError, Egress, ForbiddenUrlError, NotSentError
from fleetwrite.kit.url_policy import UrlPolicy

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LOOPBACK = UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"), ip_network("::1/128")))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Kind: Yes\r\n\r\nhi"


class Server:
    """A server of raw bytes: it keeps what it got and answers what the test says."""

    def __init__(self, answer: Handler) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._answer = answer
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/things"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        while head := await _head(reader):
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
            )
            self.requests.append(head + await reader.readexactly(length))
            await self._answer(reader, writer)
        writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Server"]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                writer.transport.abort()
            await server.wait_closed()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def sends(data: bytes, *, then_close: bool = False) -> Handler:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if then_close:
            writer.close()

    return answer


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    async with Egress(LOOPBACK, connect_timeout_s=2) as egress:
        yield egress


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_an_answer_comes_whole(egress: Egress) -> None:
    async with Server(sends(OK)).running() as server:
        answer = await egress.request(
            "POST", server.url, headers={"X-A": "b"}, body=b"data", params={"q": "1 2"}, timeout_s=5
        )
    assert (answer.status, answer.headers["x-kind"], answer.body) == (200, "Yes", b"hi")
    assert answer.elapsed_s > 0
    assert server.requests[0].startswith(b"POST /things?q=1+2 HTTP/1.1\r\n")
    assert b"X-A: b\r\n" in server.requests[0]
    assert server.requests[0].endswith(b"\r\n\r\ndata")


async def test_redirects_and_errors_are_answers(egress: Egress) -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with Server(sends(redirect)).running() as server:
        assert (await egress.request("GET", server.url, timeout_s=5)).status == 302
    assert len(server.requests) == 1


async def test_cookies_are_not_kept(egress: Egress) -> None:
    with_cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    async with Server(sends(with_cookie)).running() as server:
        for _ in range(2):
            await egress.request("GET", server.url, timeout_s=5)
    assert b"cookie" not in server.requests[1].lower()


async def test_proxies_of_the_environment_are_ignored(egress: Egress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    async with Server(sends(OK)).running() as server:
        assert (await egress.request("GET", server.url, timeout_s=5)).status == 200


async def test_a_refused_connection_was_not_sent(egress: Egress) -> None:
    with pytest.raises(NotSentError):
        await egress.request("POST", f"http://127.0.0.1:{unused_port()}/", body=b"x", timeout_s=5)


async def test_an_unknown_name_was_not_sent(egress: Egress) -> None:
    with pytest.raises(NotSentError):
        await egress.request("POST", "http://no-such-host.invalid/", body=b"x", timeout_s=10)


async def test_a_server_without_tls_was_not_sent(egress: Egress) -> None:
    async with Server(sends(OK)).running() as server:
        with pytest.raises(NotSentError):
            await egress.request("POST", server.url.replace("http:", "https:"), body=b"x", timeout_s=5)


async def test_an_untrusted_certificate_was_not_sent(egress: Egress, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    reached: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NotSentError):
            await egress.request("POST", f"https://localhost:{port}/", body=b"x", timeout_s=5)
    assert b"".join(reached) == b""


async def test_a_connect_that_times_out_was_not_sent() -> None:
    """A listener whose queue is full does not answer a handshake."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        async with Egress(LOOPBACK, connect_timeout_s=0.2) as egress:
            with pytest.raises(NotSentError):
                await egress.request("POST", f"http://127.0.0.1:{port}/", body=b"x", timeout_s=5)
        for filler in fillers:
            filler.close()


async def test_a_forbidden_literal_was_not_sent() -> None:
    async with Server(sends(OK)).running() as server, Egress(UrlPolicy(allow_http=True)) as egress:
        with pytest.raises(ForbiddenUrlError, match="loopback"):
            await egress.request("POST", server.url, timeout_s=5)
    assert server.connections == 0


async def test_a_name_that_resolves_to_a_forbidden_address_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver's answer decides, not the name: DNS is the one thing a test cannot have for real."""

    async def points_inside(_host: str, port: int, **_options: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async with Server(sends(OK)).running() as server, Egress(UrlPolicy(allow_http=True)) as egress:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", points_inside)
        with pytest.raises(ForbiddenUrlError, match="loopback"):
            await egress.request("POST", f"http://inside.example:{server.port}/", timeout_s=5)
    assert server.connections == 0


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="closed without a word"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="head cut off"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", id="body cut off"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha", id="chunk cut off"),
        pytest.param(b"this is not HTTP\r\n\r\n", id="not HTTP"),
    ],
)
async def test_a_broken_answer_is_lost(egress: Egress, answer: bytes) -> None:
    async with Server(sends(answer, then_close=True)).running() as server:
        with pytest.raises(AnswerLostError):
            await egress.request("POST", server.url, body=b"x", timeout_s=5)
    assert len(server.requests) == 1


async def test_a_reset_after_the_request_is_a_lost_answer(egress: Egress) -> None:
    async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with Server(reset).running() as server:
        with pytest.raises(AnswerLostError):
            await egress.request("POST", server.url, body=b"x", timeout_s=5)


async def test_silence_until_the_time_out_is_a_lost_answer(egress: Egress) -> None:
    async with Server(sends(b"")).running() as server:
        with pytest.raises(AnswerLostError):
            await egress.request("POST", server.url, body=b"x", timeout_s=0.2)
    assert len(server.requests) == 1


async def test_an_answer_beyond_the_cap_is_lost_and_one_of_that_size_is_not(egress: Egress) -> None:
    big = b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000
    async with Server(sends(big)).running() as server:
        answer = await egress.request("GET", server.url, timeout_s=5, max_answer_bytes=2000)
        assert len(answer.body) == 2000
        with pytest.raises(AnswerTooLargeError, match=r"status 200.* larger than the 1999 bytes"):
            await egress.request("GET", server.url, timeout_s=5, max_answer_bytes=1999)


async def test_four_mebibytes_are_taken_of_an_answer_where_nobody_asks_for_more(egress: Egress) -> None:
    size = 4 * 1024 * 1024 + 1
    big = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    async with Server(sends(big)).running() as server:
        with pytest.raises(AnswerLostError, match="4194304 bytes"):
            await egress.request("GET", server.url, timeout_s=5)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST", "PATCH"])
async def test_a_kept_connection_that_breaks_is_never_repeated(egress: Egress, method: str) -> None:
    """The server answers once, keeps the connection, and hangs up on the next request without an answer."""
    answers = iter([OK])

    async def answer_once(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if data := next(answers, None):
            writer.write(data)
        else:
            writer.close()

    async with Server(answer_once).running() as server:
        await egress.request(method, server.url, timeout_s=5)
        with pytest.raises(AnswerLostError):
            await egress.request(method, server.url, timeout_s=5)
    assert server.connections == 1  # the second did use the kept connection
    assert len(server.requests) == 2  # and was not sent again on another


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody trusts, with its key, in one file."""
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415 - only this fixture makes certificates

    from cryptography import x509  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - see above

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
