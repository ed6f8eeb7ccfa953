"""The outbox: an event is written in the transaction that caused it, and handed on outside of it."""

from fleetwrite.events.fan_out import FanOut
from fleetwrite.events.models import Event, NewEvent
from fleetwrite.events.store import append

__all__ = ["Event", "FanOut", "NewEvent", "append"]
