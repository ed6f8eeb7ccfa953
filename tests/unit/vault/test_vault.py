from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetwrite.vault.errors import SealBrokenError, WrongKeyError
from fleetwrite.vault.keys import MasterKey
from fleetwrite.vault.service import Vault

SUBJECT = UUID("018f0000-0000-7000-8000-000000000001")


@pytest.fixture
def vault() -> Vault:
    return Vault(MasterKey.random())


@given(plaintext=st.binary(max_size=300), purpose=st.text(max_size=20), subject=st.text(max_size=20))
def test_what_is_sealed_opens_again(plaintext: bytes, purpose: str, subject: str) -> None:
    vault = Vault(MasterKey(b"k" * 32))
    sealed = vault.seal(plaintext, purpose=purpose, subject=subject)
    assert vault.open(sealed, purpose=purpose, subject=subject) == plaintext


def test_the_secret_is_not_in_the_sealed_bytes(vault: Vault) -> None:
    assert b"a secret of some length" not in vault.seal(b"a secret of some length", purpose="p", subject=SUBJECT)


def test_equal_secrets_are_sealed_differently(vault: Vault) -> None:
    assert vault.seal(b"same", purpose="p", subject=SUBJECT) != vault.seal(b"same", purpose="p", subject=SUBJECT)


def test_a_uuid_and_its_text_are_the_same_subject(vault: Vault) -> None:
    assert vault.open(vault.seal(b"x", purpose="p", subject=SUBJECT), purpose="p", subject=str(SUBJECT)) == b"x"


def test_it_does_not_open_for_another_subject(vault: Vault) -> None:
    sealed = vault.seal(b"secret", purpose="p", subject=SUBJECT)
    with pytest.raises(SealBrokenError, match="altered, or sealed for something else"):
        vault.open(sealed, purpose="p", subject=uuid4())


def test_it_does_not_open_for_another_purpose(vault: Vault) -> None:
    sealed = vault.seal(b"secret", purpose="p", subject=SUBJECT)
    with pytest.raises(SealBrokenError):
        vault.open(sealed, purpose="q", subject=SUBJECT)


def test_purpose_and_subject_do_not_run_into_each_other(vault: Vault) -> None:
    sealed = vault.seal(b"secret", purpose="ab", subject="c")
    with pytest.raises(SealBrokenError):
        vault.open(sealed, purpose="a", subject="bc")


def test_another_master_key_does_not_open_it_and_is_told_apart(vault: Vault) -> None:
    sealed = vault.seal(b"secret", purpose="p", subject=SUBJECT)
    with pytest.raises(SealBrokenError, match="another master key"):
        Vault(MasterKey.random()).open(sealed, purpose="p", subject=SUBJECT)


def test_any_altered_byte_breaks_the_seal(vault: Vault) -> None:
    sealed = vault.seal(b"secret", purpose="p", subject=SUBJECT)
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(SealBrokenError):
            vault.open(bytes(altered), purpose="p", subject=SUBJECT)


def test_any_cut_breaks_the_seal(vault: Vault) -> None:
    sealed = vault.seal(b"secret", purpose="p", subject=SUBJECT)
    for length in range(len(sealed)):
        with pytest.raises(SealBrokenError):
            vault.open(sealed[:length], purpose="p", subject=SUBJECT)


def test_the_parts_of_two_sealed_secrets_can_not_be_combined(vault: Vault) -> None:
    one = vault.seal(b"one", purpose="p", subject=SUBJECT)
    two = vault.seal(b"two", purpose="p", subject=SUBJECT)
    head = 1 + 8 + 12 + 32 + 16
    with pytest.raises(SealBrokenError):
        vault.open(one[:head] + two[head:], purpose="p", subject=SUBJECT)


def test_named_secrets_are_sealed_as_one(vault: Vault) -> None:
    sealed = vault.seal_json({"token": "t", "user": "ü"}, purpose="p", subject=SUBJECT)
    assert vault.open_json(sealed, purpose="p", subject=SUBJECT) == {"token": "t", "user": "ü"}


def test_the_newest_key_seals_and_all_open() -> None:
    old, new = MasterKey.random(), MasterKey.random()
    sealed = Vault(old).seal(b"secret", purpose="p", subject=SUBJECT)
    both = Vault(old, new)
    assert both.open(sealed, purpose="p", subject=SUBJECT) == b"secret"
    assert Vault(new).open(both.seal(b"s", purpose="p", subject=SUBJECT), purpose="p", subject=SUBJECT) == b"s"
    both.seal_with(old.id)
    assert Vault(old).open(both.seal(b"s", purpose="p", subject=SUBJECT), purpose="p", subject=SUBJECT) == b"s"
    with pytest.raises(WrongKeyError):
        both.seal_with(MasterKey.random().id)


def test_a_rewrapped_secret_opens_with_the_new_key_only_and_for_the_same_subject_only() -> None:
    old, new = MasterKey.random(), MasterKey.random()
    sealed = Vault(old).seal(b"secret", purpose="p", subject=SUBJECT)
    rewrapped = Vault(old, new).rewrap(sealed, "secret")
    assert Vault(new).open(rewrapped, purpose="p", subject=SUBJECT) == b"secret"
    with pytest.raises(SealBrokenError, match="another master key"):
        Vault(old).open(rewrapped, purpose="p", subject=SUBJECT)
    with pytest.raises(SealBrokenError, match="altered"):
        Vault(new).open(rewrapped, purpose="p", subject=uuid4())


def test_what_was_altered_or_is_of_a_foreign_key_is_not_rewrapped() -> None:
    old, new = MasterKey.random(), MasterKey.random()
    sealed = bytearray(Vault(old).seal(b"secret", purpose="p", subject=SUBJECT))
    with pytest.raises(SealBrokenError, match="another master key"):
        Vault(new).rewrap(bytes(sealed), "secret")
    sealed[30] ^= 1
    with pytest.raises(SealBrokenError, match="altered"):
        Vault(old, new).rewrap(bytes(sealed), "secret")
