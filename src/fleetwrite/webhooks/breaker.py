"""When a receiver fails so much that it is left alone. Nothing here touches the database.

What counts is not the single try but how deliveries fare: a success, or a failure that no fast retry follows any more.
So a receiver that restarts within five seconds fails nothing.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

GRACE: Final = timedelta(minutes=15)
"""Whoever has just set up a subscription, changed or activated it gets so long to make its receiver work."""

WINDOW: Final = timedelta(hours=6)
"""Older outcomes say nothing of today's receiver; the contract's shortest window."""

MOST_OUTCOMES: Final = 500
"""The weight of the oldest of so many is below a hundredth of the newest one's, so more need not be read."""

HIGH_VOLUME: Final = 50
"""From so many outcomes on, the moving average decides."""

MEDIUM_VOLUME: Final = 20
"""From so many on, the plain average does; below, only failures in a row tell anything."""

LEAST_AVERAGE: Final = 0.95
LEAST_SHARE: Final = 0.8
FAILURES_IN_A_ROW: Final = 10

WEIGHT: Final = 0.01
"""Of the newest outcome in the moving average. It remembers about a hundred: six failures in a row trip it, and so does
one failure in twenty that goes on."""


def moving_average(outcomes: Sequence[bool]) -> float:
    """The exponentially weighted success rate of `outcomes`, oldest first: 0 to 1. It starts from 1, so that nobody is
    judged by a first failure.
    """
    average = 1.0
    for succeeded in outcomes:
        average += WEIGHT * (succeeded - average)
    return average


def trips(outcomes: Sequence[bool]) -> bool:
    """Whether a receiver with these latest outcomes, oldest first, is to be left alone."""
    volume = len(outcomes)
    if volume >= HIGH_VOLUME:
        return moving_average(outcomes) < LEAST_AVERAGE
    if volume >= MEDIUM_VOLUME:
        return sum(outcomes) / volume < LEAST_SHARE
    return volume >= FAILURES_IN_A_ROW and not any(outcomes[-FAILURES_IN_A_ROW:])
