"""`python -m fleetwrite` is the same as `fleetwrite`."""

from fleetwrite.cli.main import main

main()
