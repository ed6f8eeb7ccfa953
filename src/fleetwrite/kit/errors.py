"""The root of every error this package raises on purpose."""


class FleetwriteError(Exception):
    """Base of all errors of Fleetwrite; its first argument is a message for people, with the remedy."""
