"""Partners, fleets, and what a fleet shares with a partner."""
