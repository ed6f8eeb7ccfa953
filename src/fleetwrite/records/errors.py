"""What can be wrong with a record."""

from collections.abc import Sequence
from uuid import UUID

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ValidationErrorDetail
from fleetwrite.kit.errors import FleetwriteError


class RecordNotFoundError(FleetwriteError):
    """No record of this kind and id that the partner may see: unknown and somebody else's alike."""

    def __init__(self, resource: ResourceEnum, record_id: UUID) -> None:
        super().__init__(f"There is no {resource} {record_id}: take the id from GET /v2/telematics/{resource}s.")


class RecordNotSharedError(FleetwriteError):
    """The fleet does not let the partner read records of this kind, or not now."""

    def __init__(self, resource: ResourceEnum, agreement_id: UUID) -> None:
        super().__init__(
            f"By share agreement {agreement_id} you may not read {resource} records now: see"
            f" GET /v2/orgs/share-agreements/{agreement_id}."
        )


class InvalidImportError(FleetwriteError):
    """Lines of an import can not be; `details` names them."""

    def __init__(self, details: Sequence[ValidationErrorDetail]) -> None:
        super().__init__("; ".join(f"{detail.path}: {detail.message}" for detail in details))
        self.details = details


class RecordsMetMeanwhileError(FleetwriteError):
    """While ids were imported, somebody else wrote what they were for. Nothing was changed; it can be tried again."""


class InvalidRecordQueryError(FleetwriteError):
    """What is asked for does not go together; `details` names every fault."""

    def __init__(self, details: Sequence[ValidationErrorDetail]) -> None:
        super().__init__("; ".join(f"{detail.path}: {detail.message}" for detail in details))
        self.details = details
