"""Whose a token is can be read in it; what is no token of Traccar's form tells nothing."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetwrite.connectors.traccar.simulator.fleets import make_token
from fleetwrite.connectors.traccar.tokens import user_of


def test_a_token_tells_its_user_whatever_else_it_holds() -> None:
    assert user_of(make_token("4711", "secret")) == 4711


@pytest.mark.parametrize(
    "content", [b"", b"\x02ab", b"\x02ab{}", b'\x02ab{"u": "7"}', b'\x02ab{"u": 7', b'\x40{"u": 7}']
)
def test_what_has_no_user_in_it_tells_none(content: bytes) -> None:
    assert user_of(base64.urlsafe_b64encode(content).decode()) is None


@given(st.text(max_size=200))
def test_any_text_is_a_token_or_none(text: str) -> None:
    user = user_of(text)
    assert user is None or isinstance(user, int)
