"""How long to wait before the next try."""

import random

import msgspec


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """Exponential with full jitter: between nothing and `first_s * 2 ** (failures - 1)`, never beyond `cap_s`.

    Full jitter keeps the many that failed together from coming back together.

    Attributes:
        first_s: upper bound of the first wait, in seconds.
        cap_s: upper bound of any wait, in seconds.
    """

    first_s: float
    cap_s: float

    def delay_s(self, failures: int) -> float:
        """Seconds to wait after `failures` failed attempts (1 or more)."""
        # 2 ** 40 steps of any first wait are beyond every cap, and do not overflow.
        bound = min(self.cap_s, self.first_s * 2 ** min(failures - 1, 40))
        return random.uniform(0, bound)
