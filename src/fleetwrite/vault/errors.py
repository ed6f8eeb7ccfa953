"""What can go wrong with the master key and with sealed secrets."""

from fleetwrite.kit.errors import FleetwriteError


class NoKeyError(FleetwriteError):
    """What should be master keys is something else; the message says where, and shows nothing of it."""


class KeyFileError(FleetwriteError):
    """The master key can not be read from its file, or not be written to it; the message says why."""


class KeyFileMissingError(KeyFileError):
    """There is no file at the place where the master key is expected."""


class KeyFileExistsError(KeyFileError):
    """A new master key was to be written where a file is already."""


class KeyCommandError(FleetwriteError):
    """The command that should print the master keys did not; the message says why."""


class SealBrokenError(FleetwriteError):
    """A sealed secret does not open: another master key, another owner or purpose, or altered bytes."""


class WrongKeyError(FleetwriteError):
    """A master key that this database's secrets are sealed with is not among those loaded."""


class RotationRefusedError(FleetwriteError):
    """Master keys can not be changed like this now; the message says why and what to do first. Nothing is lost."""
