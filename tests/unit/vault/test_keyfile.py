import os
from pathlib import Path

import pytest

from fleetwrite.vault.errors import KeyFileError, KeyFileExistsError, KeyFileMissingError, NoKeyError
from fleetwrite.vault.keyfile import KeyFile
from fleetwrite.vault.keys import MasterKey


def test_a_created_key_is_read_back(tmp_path: Path) -> None:
    created = KeyFile.create(tmp_path / "master.key")
    assert [key.material for key in KeyFile.load(tmp_path / "master.key")] == [created.material]


def test_the_file_is_for_its_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        KeyFile.create(tmp_path / "master.key")
    finally:
        os.umask(before)
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.write_text("precious")
    with pytest.raises(KeyFileExistsError, match="never overwritten"):
        KeyFile.create(path)
    assert path.read_text() == "precious"


def test_a_missing_folder_is_an_error_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="can not be written"):
        KeyFile.create(tmp_path / "nowhere" / "master.key")


def test_a_missing_file_says_where_it_was_expected(tmp_path: Path) -> None:
    with pytest.raises(KeyFileMissingError, match=r"absent\.key does not exist"):
        KeyFile.load(tmp_path / "absent.key")


def test_a_folder_in_its_place_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="can not be read"):
        KeyFile.load(tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    KeyFile.create(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        KeyFile.load(path)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"fleetwrite-master-key-1:",
        b"fleetwrite-master-key-1:c2hvcnQ=",
        b"fleetwrite-master-key-1:not base64!",
        b"fleetwrite-master-key-1:" + b"A" * 88,
        b"fleetwrite-master-key-2:" + b"A" * 43 + b"=",
        b"A" * 43 + b"=",
        b"\xff\xfe\x00",
    ],
)
def test_a_file_that_holds_no_key_is_refused_without_showing_its_content(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(NoKeyError, match="is no master key") as caught:
        KeyFile.load(path)
    assert "AAAA" not in str(caught.value)


def test_a_key_that_is_added_is_the_last_and_the_file_stays_private(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    first = KeyFile.create(path)
    second = KeyFile.add(path)
    assert [key.id for key in KeyFile.load(path)] == [first.id, second.id]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["master.key"]


def test_a_key_is_removed_but_never_the_only_one(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    first = KeyFile.create(path)
    with pytest.raises(KeyFileError, match="is the only key"):
        KeyFile.remove(path, first.id)
    second = KeyFile.add(path)
    assert KeyFile.remove(path, first.id)
    assert not KeyFile.remove(path, first.id)
    assert [key.id for key in KeyFile.load(path)] == [second.id]


def test_the_same_key_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    key = KeyFile.create(path)
    path.write_text(key.line() * 2)
    with pytest.raises(NoKeyError, match="each of them once"):
        KeyFile.load(path)


def test_a_key_does_not_show_itself() -> None:
    key = MasterKey(b"k" * 32)
    assert "kkk" not in f"{key!r}{key}"


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        MasterKey(b"short")
