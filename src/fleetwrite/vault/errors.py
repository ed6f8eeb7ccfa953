"""What can go wrong with the master key and with sealed secrets."""

from fleetwrite.kit.errors import FleetwriteError


class KeyFileError(FleetwriteError):
    """The master key can not be read from its file, or not be written to it; the message says why."""


class KeyFileMissingError(KeyFileError):
    """There is no file at the place where the master key is expected."""


class KeyFileExistsError(KeyFileError):
    """A new master key was to be written where a file is already."""


class SealBrokenError(FleetwriteError):
    """A sealed secret does not open: another master key, another owner or purpose, or altered bytes."""


class WrongKeyError(FleetwriteError):
    """The master key is not the one that this database's secrets are sealed with."""
