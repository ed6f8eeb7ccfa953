"""What can be wrong with a fleet whose data is asked for."""

from uuid import UUID

from fleetwrite.kit.errors import FleetwriteError


class UnknownFleetIdError(FleetwriteError):
    """No fleet has this id, or it was erased and nothing is left of it."""

    def __init__(self, fleet_id: UUID) -> None:
        super().__init__(f"There is no fleet {fleet_id}: `fleetwrite admin fleet list` shows them with their ids.")


class NotErasedError(FleetwriteError):
    """Nobody asked for the erasure of this fleet."""

    def __init__(self, fleet_id: UUID) -> None:
        super().__init__(f"Nobody has asked for the erasure of a fleet {fleet_id}.")
