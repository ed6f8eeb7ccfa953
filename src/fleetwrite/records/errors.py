"""What can be wrong with a record."""

from uuid import UUID

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.errors import FleetwriteError


class RecordNotFoundError(FleetwriteError):
    """No record of this kind and id that the partner may see: unknown and somebody else's alike."""

    def __init__(self, resource: ResourceEnum, record_id: UUID) -> None:
        super().__init__(f"There is no {resource} {record_id}: take the id from GET /v2/telematics/{resource}s.")
