"""Faults that a test or a demonstration asks the simulator to commit."""

from typing import Any, Literal

import msgspec

FaultKind = Literal["status", "delay", "drop_before", "commit_then_drop"]


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shall happen to the next ``count`` calls of ``method`` whose path begins with ``path``, of ``operation``
    only where one is given.

    ``status`` answers with ``status``, ``headers`` and ``body`` instead of doing the work; ``delay`` waits
    ``delay_s`` seconds and then does it; ``drop_before`` cuts the connection without doing it;
    ``commit_then_drop`` does it and cuts the connection instead of answering. ``delay_s`` may be given with
    the other kinds too and is waited first. ``status``, ``headers`` and ``body`` matter to the first kind
    only; a ``body`` of None is the provider's own error body.
    """

    path: str
    kind: FaultKind
    method: str | None = None
    operation: str | None = None
    status: int | None = None
    headers: dict[str, str] | None = None
    body: Any = None
    delay_s: float | None = None
    count: int = 1

    def __post_init__(self) -> None:
        """Refuse a fault that could not be committed.

        Raises:
            ValueError: names the field and what it must be.
        """
        if not self.path.startswith("/"):
            raise ValueError(f"path must begin with a slash, not {self.path!r}")
        if self.count < 1:
            raise ValueError(f"count must be at least 1, not {self.count}")
        if self.delay_s is not None and not self.delay_s >= 0:
            raise ValueError(f"delay_s must not be negative, but is {self.delay_s}")
        if self.kind == "delay" and not self.delay_s:
            raise ValueError("delay_s (seconds, above 0) is required for kind delay")
        if self.kind == "status" and not (self.status is not None and 200 <= self.status <= 599):
            raise ValueError(f"status must be from 200 to 599 for kind status, not {self.status}")

    def hits(self, method: str, path: str, operation: str | None) -> bool:
        """Say whether a call is meant. No method, or ``*``, means every method; no operation every operation."""
        any_method = self.method is None or self.method == "*"
        any_operation = self.operation is None or self.operation == operation
        return any_operation and (any_method or str(self.method).upper() == method) and path.startswith(self.path)


class FaultPlan:
    """The faults still to be committed, in the order they were asked for."""

    def __init__(self) -> None:
        """Start with none."""
        self._left: list[tuple[Fault, int]] = []

    def add(self, fault: Fault) -> None:
        """Put a fault at the end."""
        self._left.append((fault, fault.count))

    def clear(self) -> None:
        """Forget all."""
        self._left.clear()

    def left(self) -> list[Fault]:
        """Return the faults still to be committed, each with the number of calls it will still hit."""
        return [msgspec.structs.replace(fault, count=count) for fault, count in self._left]

    def take(self, method: str, path: str, operation: str | None = None) -> Fault | None:
        """Return the first fault that means this call and use it up by one."""
        for index, (fault, count) in enumerate(self._left):
            if fault.hits(method, path, operation):
                if count == 1:
                    del self._left[index]
                else:
                    self._left[index] = (fault, count - 1)
                return fault
        return None
