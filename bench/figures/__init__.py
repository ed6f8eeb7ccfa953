"""One module for each group of figures; each has `measure(stack, plan) -> list[Figure]`.

Who uses which account of the simulated provider: 0 has people and vehicles and no limit, and serves whatever is not
about limits; 1 to 12 and 27 have the limits of `budgets.CELLS`; 13 to 24 have none and are closed by faults
(`retry_after`); 25 has the limit of the peers (`peers`); 26 has none, and many vehicles (`pulling`).
"""
