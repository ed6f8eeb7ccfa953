"""Tokens that are called back, secrets that are replaced, clients that are shut out: at once, in every process."""

from datetime import timedelta

import pytest

from fleetwrite.access.errors import OAuthError, UnauthenticatedError, UnknownClientError
from fleetwrite.access.service import TokenService
from fleetwrite.access.standing import STALE_AFTER_S
from integration.access.parties import Parties, token_of


async def revoke(tokens: TokenService, parties: Parties, token: str | None) -> None:
    await tokens.revoke(client_id=parties.client.client_id, client_secret=parties.client.client_secret, token=token)


async def refused(tokens: TokenService, token: str) -> bool:
    try:
        await tokens.authenticate(f"Bearer {token}")
    except UnauthenticatedError as error:
        return "revoked" in str(error)
    return False


async def test_a_revoked_token_is_refused_at_once_and_others_stay_good(parties: Parties) -> None:
    tokens = parties.process()
    revoked, other = await token_of(tokens, parties.client), await token_of(tokens, parties.client)
    await tokens.authenticate(f"Bearer {revoked}")
    await revoke(tokens, parties, revoked)
    assert await refused(tokens, revoked)
    assert not await refused(tokens, other)


async def test_other_processes_refuse_it_when_they_look_next_and_they_look_every_second(parties: Parties) -> None:
    here, there, started_later = parties.process(), parties.process(), parties.process()
    token = await token_of(here, parties.client)
    await there.authenticate(f"Bearer {token}")
    await revoke(here, parties, token)
    assert there._standing._freshness._good_for_s == STALE_AFTER_S == 1.0
    await there._standing.renew()
    assert await refused(there, token)
    assert await refused(started_later, token)


async def test_a_revocation_that_was_committed_late_is_found(parties: Parties) -> None:
    here, there = parties.process(), parties.process()
    token = await token_of(here, parties.client)
    async with parties.database.transaction() as connection:
        await connection.execute("LOCK TABLE revoked_tokens IN ROW EXCLUSIVE MODE")
        await connection.execute(
            """
            INSERT INTO revoked_tokens SELECT $1, $2, fleetwrite_now(), fleetwrite_now() + interval '1 hour'
            """,
            (await there._verify(token)).token_id,
            parties.client.client_id,
        )
        # Read after the row was written, and before it is committed.
        await there._standing.renew()
        assert not await refused(there, token)
    await there._standing.renew()
    assert await refused(there, token)


async def test_revoking_twice_or_what_is_no_token_is_no_error(parties: Parties) -> None:
    tokens = parties.process()
    token = await token_of(tokens, parties.client)
    for text in (token, token, "made up", "a.b.c"):
        await revoke(tokens, parties, text)
    assert await refused(tokens, token)


async def test_only_the_client_that_a_token_was_given_to_can_revoke_it(parties: Parties) -> None:
    tokens = parties.process()
    other = await parties.clients.create(parties.partner.id)
    token = await token_of(tokens, other)
    with pytest.raises(OAuthError) as caught:
        await revoke(tokens, parties, token)
    assert (caught.value.status, caught.value.error) == (400, "invalid_grant")
    with pytest.raises(OAuthError) as caught:
        await tokens.revoke(client_id=other.client_id, client_secret="wrong", token=token)
    assert (caught.value.status, caught.value.error) == (401, "invalid_client")
    with pytest.raises(OAuthError) as caught:
        await revoke(tokens, parties, None)
    assert (caught.value.status, caught.value.error) == (400, "invalid_request")
    assert not await refused(tokens, token)


async def test_what_has_expired_is_forgotten(parties: Parties) -> None:
    tokens = parties.process()
    await revoke(tokens, parties, await token_of(tokens, parties.client))
    await parties.shift_clock("3 hours")
    await revoke(tokens, parties, await token_of(tokens, parties.client))
    assert await parties.database.pool.fetchval("SELECT count(*) FROM revoked_tokens") == 1
    assert len(tokens._standing._revoked) == 1


async def test_both_secrets_are_good_until_the_overlap_ends(parties: Parties) -> None:
    tokens = parties.process()
    renewed = await parties.clients.renew_secret(parties.client.client_id, overlap=timedelta(hours=24))
    (state,) = await parties.clients.all()
    assert state.previous_secret_until is not None
    await token_of(tokens, parties.client)
    await token_of(tokens, renewed)
    await parties.shift_clock("24 hours")
    await token_of(tokens, renewed)
    with pytest.raises(OAuthError, match="invalid_client"):
        await token_of(tokens, parties.client)
    (state,) = await parties.clients.all()
    assert state.previous_secret_until is None


async def test_of_three_secrets_the_first_is_over(parties: Parties) -> None:
    tokens = parties.process()
    second = await parties.clients.renew_secret(parties.client.client_id, overlap=timedelta(hours=24))
    third = await parties.clients.renew_secret(parties.client.client_id, overlap=timedelta(hours=24))
    await token_of(tokens, second)
    await token_of(tokens, third)
    with pytest.raises(OAuthError, match="invalid_client"):
        await token_of(tokens, parties.client)


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=31)])
async def test_an_overlap_that_makes_no_sense_is_refused(parties: Parties, overlap: timedelta) -> None:
    with pytest.raises(ValueError, match="between nothing and 30 days"):
        await parties.clients.renew_secret(parties.client.client_id, overlap=overlap)


async def test_a_disabled_client_gets_no_token_and_those_it_has_are_refused_until_it_is_enabled(
    parties: Parties,
) -> None:
    tokens = parties.process()
    token = await token_of(tokens, parties.client)
    await parties.clients.set_disabled(parties.client.client_id, disabled=True)
    await tokens._standing.renew()
    assert await refused(tokens, token)
    with pytest.raises(OAuthError, match="invalid_client"):
        await token_of(tokens, parties.client)
    await parties.clients.set_disabled(parties.client.client_id, disabled=False)
    await tokens._standing.renew()
    assert not await refused(tokens, token)
    await token_of(tokens, parties.client)


async def test_a_deleted_client_is_gone_for_good_and_its_id_is_nobody_elses(parties: Parties) -> None:
    tokens = parties.process()
    client_id = parties.client.client_id
    token = await token_of(tokens, parties.client)
    await parties.clients.delete(client_id)
    await tokens._standing.renew()
    assert await refused(tokens, token)
    assert await parties.clients.all() == []
    with pytest.raises(OAuthError, match="invalid_client"):
        await token_of(tokens, parties.client)
    for attempt in (
        parties.clients.set_disabled(client_id, disabled=False),
        parties.clients.renew_secret(client_id),
        parties.clients.delete(client_id),
    ):
        with pytest.raises(UnknownClientError):
            await attempt
    assert await parties.database.pool.fetchval("SELECT secret_hash FROM clients WHERE id = $1", client_id) == ""


async def test_a_scope_that_does_not_exist_is_granted_to_nobody(parties: Parties) -> None:
    with pytest.raises(ValueError, match="no scope telematics:wriet"):
        await parties.clients.create(parties.partner.id, scopes=["telematics:wriet"])
