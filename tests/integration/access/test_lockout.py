"""Who fails again and again has to wait, ever longer; whoever has done nothing does not."""

import pytest

from fleetwrite.access.errors import OAuthError
from fleetwrite.access.lockout import source_of
from fleetwrite.access.service import TokenService
from integration.access.parties import Parties, stranger, token_of

STRANGE = "203.0.113.9"
HOME = "192.0.2.1"


async def fail(tokens: TokenService, client_id: str, address: str, times: int = 1) -> list[int | None]:
    """How long each failure says to wait; None where it was evaluated."""
    waits = []
    for _ in range(times):
        with pytest.raises(OAuthError) as caught:
            await tokens.issue(
                client_id=client_id,
                client_secret="wrong",
                grant_type="client_credentials",
                scope=None,
                caller=stranger(address),
            )
        assert (caught.value.status, caught.value.error) == (401, "invalid_client")
        waits.append(caught.value.retry_after_s)
    return waits


async def test_five_failures_cost_nothing_and_each_further_one_doubles_the_wait(parties: Parties) -> None:
    tokens = parties.process()
    assert await fail(tokens, "acme-tms", STRANGE, 6) == [None] * 6
    for wait in (1, 2, 4, 8, 16):
        assert await fail(tokens, "acme-tms", STRANGE) == [wait]
        await parties.shift_clock(f"{wait} seconds")
        assert await fail(tokens, "acme-tms", STRANGE) == [None]


async def test_the_wait_has_an_end_and_an_hour_of_quiet_forgets_all(parties: Parties) -> None:
    tokens = parties.process()
    await fail(tokens, "acme-tms", STRANGE, 6)
    await parties.database.pool.execute("UPDATE login_failures SET failures = 500, locked_until = '-infinity'")
    await fail(tokens, "acme-tms", STRANGE)
    assert await fail(tokens, "acme-tms", STRANGE) == [900]
    await parties.shift_clock("61 minutes")
    assert await fail(tokens, "acme-tms", STRANGE, 6) == [None] * 6


async def test_during_a_lock_even_the_right_secret_waits_and_in_all_processes(parties: Parties) -> None:
    await fail(parties.process(), "acme-tms", STRANGE, 6)
    with pytest.raises(OAuthError) as caught:
        await token_of(parties.process(), parties.client, address=STRANGE)
    assert caught.value.retry_after_s == 1
    await parties.shift_clock("1 second")
    await token_of(parties.process(), parties.client, address=STRANGE)


async def test_strangers_do_not_lock_a_client_out_where_it_is_at_home(parties: Parties) -> None:
    tokens = parties.process()
    running = await token_of(tokens, parties.client, address=HOME)
    for number in range(8):
        await fail(tokens, "acme-tms", f"203.0.113.{number}")
    with pytest.raises(OAuthError) as caught:
        await token_of(tokens, parties.client, address="198.51.100.1")
    assert caught.value.retry_after_s is not None
    await token_of(tokens, parties.client, address=HOME)
    await tokens.authenticate(f"Bearer {running}")


async def test_others_behind_the_same_address_do_not_lock_a_client_out(parties: Parties) -> None:
    tokens = parties.process()
    neighbour = await parties.clients.create(parties.partner.id, client_id="neighbour")
    await token_of(tokens, parties.client, address=HOME)
    await token_of(tokens, neighbour, address=HOME)
    assert await fail(tokens, "neighbour", HOME, 7) == [None] * 6 + [1]
    await token_of(tokens, parties.client, address=HOME)
    assert await fail(tokens, "nobody", HOME, 7) == [None] * 6 + [1]
    await token_of(tokens, parties.client, address=HOME)


async def test_at_home_is_where_a_token_was_given_within_thirty_days(parties: Parties) -> None:
    tokens = parties.process()
    await token_of(tokens, parties.client, address=HOME)
    await parties.shift_clock("31 days")
    await fail(tokens, "acme-tms", STRANGE, 6)
    with pytest.raises(OAuthError) as caught:
        await token_of(tokens, parties.client, address=HOME)
    assert caught.value.retry_after_s == 1


async def test_a_source_that_tries_one_client_after_the_other_is_locked_too(parties: Parties) -> None:
    tokens = parties.process()
    for number in range(6):
        await fail(tokens, f"guess-{number}", STRANGE)
    assert await fail(tokens, "another-guess", STRANGE) == [1]


async def test_an_unknown_client_is_locked_like_a_known_one(parties: Parties) -> None:
    tokens = parties.process()
    waits = {}
    for client_id in ("acme-tms", "nobody"):
        waits[client_id] = [(await fail(tokens, client_id, f"203.0.113.{n}"))[0] for n in range(7)]
    assert waits["acme-tms"] == waits["nobody"]


async def test_a_success_ends_the_counting_at_home(parties: Parties) -> None:
    tokens = parties.process()
    for _ in range(3):
        await token_of(tokens, parties.client, address=HOME)
        assert await fail(tokens, "acme-tms", HOME, 5) == [None] * 5
    await token_of(tokens, parties.client, address=HOME)


async def test_what_is_an_hour_old_is_not_kept(parties: Parties) -> None:
    tokens = parties.process()
    for number in range(4):
        await fail(tokens, f"guess-{number}", f"203.0.113.{number}")
    await parties.shift_clock("61 minutes")
    await fail(tokens, "another-guess", STRANGE)
    assert await parties.database.pool.fetchval("SELECT count(*) FROM login_failures") == 2


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_what_counts_as_one_source(address: str, source: str) -> None:
    assert source_of(address) == source
