"""Measures Fleetwrite against the aims in docs/performance.md: `make bench`, or `python -m bench --help`."""
