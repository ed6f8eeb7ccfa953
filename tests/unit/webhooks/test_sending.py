from hypothesis import given
from hypothesis import strategies as st

from fleetwrite.webhooks.masking import MASK
from fleetwrite.webhooks.sending import LONGEST_EXCERPT, excerpt_of

SECRET = b"s3cret-of-the-receiver"
OLD = b"the-one-before"


def test_an_excerpt_is_the_beginning_on_one_line() -> None:
    assert excerpt_of(b"<h1>Oops</h1>\r\n\r\n  at line 7\x00\x1b[31m", [SECRET]) == "<h1>Oops</h1> at line 7 [31m"


def test_nothing_said_is_no_excerpt() -> None:
    assert excerpt_of(b"", [SECRET]) is None
    assert excerpt_of(b" \n\x00", [SECRET]) is None


def test_an_excerpt_never_shows_a_secret() -> None:
    assert excerpt_of(b"old " + OLD + b", new " + SECRET, [SECRET, OLD]) == f"old {MASK}, new {MASK}"
    assert excerpt_of(b"wrong key: " + SECRET, [SECRET]) == f"wrong key: {MASK}"


@given(st.binary(max_size=3000), st.integers(0, 3000))
def test_whatever_is_answered_an_excerpt_is_short_printable_and_without_the_secret(body: bytes, at: int) -> None:
    excerpt = excerpt_of(body[:at] + SECRET + body[at:], [SECRET])
    if excerpt is not None:
        assert 0 < len(excerpt) <= LONGEST_EXCERPT
        assert excerpt.isprintable()
        assert SECRET.decode() not in excerpt
