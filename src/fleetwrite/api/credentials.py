"""Reads credentials and settings of a connection, as its TSP wants them.

The contract's union of 37 shapes has nothing in it that tells them apart: several are the same, and a larger one also
fits a smaller one. The TSP decides which one is meant.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from fleetwrite.api.decoding import InvalidBodyError, convert_part
from fleetwrite.api.intake import InvalidRequestError
from fleetwrite.connections.fields import describe_shape, from_shape, shape_of
from fleetwrite.connections.models import Entered
from fleetwrite.connectors.sdk.manifest import Manifest
from fleetwrite.connectors.sdk.wire import MASK
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail

_ROOT = "body.credentials"


def read_credentials(manifest: Manifest, document: Mapping[str, Any], settings: Sequence[str] = ()) -> Entered:
    """What was entered, by the names in the manifest.

    Args:
        manifest: of the TSP.
        document: `credentials` of the body; a null in it counts as absent.
        settings: each a name, a colon, and a value.

    Raises:
        InvalidBodyError: the credentials are not of the TSP's shape; no text of theirs is repeated.
        InvalidRequestError: a setting has no colon, or comes twice.
        BadConnectionFieldsError: the shape has a field that the TSP has no use for.
    """
    present = {name: value for name, value in document.items() if value is not None}
    try:
        shape = convert_part(shape_of(manifest), present, _ROOT)
    except InvalidBodyError as error:
        raise InvalidBodyError(_without_secrets(error.details, describe_shape(manifest))) from error
    credentials, of_shape = from_shape(manifest, shape)
    return Entered(credentials=credentials, settings={**_read_settings(settings), **of_shape})


def _without_secrets(details: Sequence[ValidationErrorDetail], expected: str) -> list[ValidationErrorDetail]:
    """The same without what was sent, which may be a secret in the wrong place; the first tells what is right."""
    first, *others = [msgspec.structs.replace(one, input=MASK if one.input else "") for one in details]
    return [msgspec.structs.replace(first, message=f"{first.message} {expected}"), *others]


def _read_settings(texts: Sequence[str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    faults = []
    for place, text in enumerate(texts):
        name, colon, value = text.partition(":")
        if not colon or name in settings:
            message = "Must be the name of a setting, a colon, and its value, such as `region:eu`; each name once."
            faults.append(
                ValidationErrorDetail(
                    path=f"query.settings.{place}", input=text, message=message, error_type=ErrorType.FORMAT
                )
            )
        settings[name] = value
    if faults:
        raise InvalidRequestError(faults)
    return settings
