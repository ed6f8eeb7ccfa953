"""A fault in what was sent of an organization."""

from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail


def fault(path: str, given: str, message: str, error_type: ErrorType = ErrorType.RANGE) -> ValidationErrorDetail:
    """What is wrong at `path`, where `given` stands."""
    return ValidationErrorDetail(path=path, input=given, message=message, error_type=error_type)
