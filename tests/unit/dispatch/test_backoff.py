from fleetwrite.dispatch.backoff import Backoff

BACKOFF = Backoff(first_s=1.0, cap_s=600.0)


def test_each_failure_doubles_the_bound_until_the_cap() -> None:
    for failures, bound in ((1, 1.0), (2, 2.0), (5, 16.0), (10, 512.0), (11, 600.0), (10**6, 600.0)):
        waits = [BACKOFF.delay_s(failures) for _ in range(200)]
        assert all(0.0 <= wait <= bound for wait in waits)
        assert max(waits) > bound / 2


def test_the_wait_is_spread_over_the_whole_span() -> None:
    waits = sorted(BACKOFF.delay_s(5) for _ in range(400))
    assert waits[0] < 2.0
    assert waits[-1] > 14.0
