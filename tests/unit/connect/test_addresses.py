import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetwrite.connect.addresses import origin_of, with_query


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://tms.example/ok?x=1#y", "https://tms.example"),
        ("http://127.0.0.1:8080/ok", "http://127.0.0.1:8080"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
        ("https://user:password@tms.example/", None),
        ("https://tms.example;script-src *", None),
        ("https://a b.example/", None),
        ("https://[broken/", None),
        ("javascript:alert(1)", None),
        ("/only/a/path", None),
        (None, None),
    ],
)
def test_only_an_origin_gets_into_a_policy(address: str | None, origin: str | None) -> None:
    assert origin_of(address) == origin


@given(st.text())
def test_no_text_can_end_a_directive(text: str) -> None:
    for address in (text, f"https://{text}"):
        assert not set(origin_of(address) or "") & set(";, '\"\t\r\n\\")


def test_what_a_partner_has_in_its_address_stays_and_ours_counts() -> None:
    assert with_query("https://a.example/x?a=1&status=old&b=#z", {"status": "success"}) == (
        "https://a.example/x?a=1&b=&status=success#z"
    )
