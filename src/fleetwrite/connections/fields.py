"""What a fleet enters to connect, checked against the connector's manifest."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from fleetwrite.connections.errors import BadConnectionFieldsError, FieldFault
from fleetwrite.connectors.sdk.manifest import Field, Manifest
from fleetwrite.connectors.sdk.wire import MASK
from fleetwrite.contract.errors import ErrorType

_REGION: Final = "region"
_BASE_URL: Final = "base_url"
_LONGEST: Final = 16_384
"""The longest credentials there are, private keys and certificates, have a few thousand characters."""


def check_fields(manifest: Manifest, credentials: Mapping[str, str], settings: Mapping[str, str]) -> None:
    """Make sure that these are the fields the manifest asks for, and no others.

    Raises:
        BadConnectionFieldsError: they are not; all faults at once.
    """
    faults = [
        *_faults("credentials", manifest.fields_of(credentials), credentials),
        *_faults("settings", manifest.settings, settings),
        *_address_faults(manifest, settings),
    ]
    if faults:
        raise BadConnectionFieldsError(faults)


def require_texts(credentials: Mapping[str, Any]) -> dict[str, str]:
    """The credentials, all of which must be texts; those that are null count as absent.

    Raises:
        BadConnectionFieldsError: some are not.
    """
    faults = [
        FieldFault(field=f"credentials.{name}", message="must be a string.", error_type=ErrorType.TYPE)
        for name, value in credentials.items()
        if not isinstance(value, str | None)
    ]
    if faults:
        raise BadConnectionFieldsError(faults)
    return {name: value for name, value in credentials.items() if value is not None}


def mask(manifest: Manifest, credentials: Mapping[str, str]) -> dict[str, str]:
    """The credentials as they may be shown; one that the manifest does not know counts as a secret."""
    open_names = {field.name for field in manifest.fields_of(credentials) if not field.sensitive}
    return {name: value if name in open_names else MASK for name, value in credentials.items()}


def base_url(manifest: Manifest, settings: Mapping[str, str]) -> str:
    """The address of the provider's API for an account, without a slash at its end.

    Raises:
        BadConnectionFieldsError: the region is not one of the manifest's.
    """
    own = settings.get(_BASE_URL)
    if own is not None:
        return own.rstrip("/")
    region = settings.get(_REGION, next(iter(manifest.regions)))
    if region not in manifest.regions:
        raise BadConnectionFieldsError([_unknown_region(manifest)])
    return manifest.regions[region].rstrip("/")


def host_of(address: str) -> str:
    """The host and port that a base URL leads to: what fails together."""
    parts = urlsplit(address)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _faults(group: str, fields: Sequence[Field], values: Mapping[str, str]) -> list[FieldFault]:
    known = {field.name: field for field in fields}
    faults = [
        FieldFault(
            field=f"{group}.{field.name}",
            message=f"is missing. {field.description}",
            error_type=ErrorType.MISSING,
        )
        for field in fields
        if field.required and not values.get(field.name)
    ]
    for name, value in values.items():
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            message = f"is unknown; there are: {names}."
            faults.append(FieldFault(field=f"{group}.{name}", message=message, error_type=ErrorType.UNKNOWN_FIELD))
        elif len(value) > _LONGEST or "\0" in value:
            # The value itself may be a secret, and is not repeated.
            faults.append(
                FieldFault(
                    field=f"{group}.{name}",
                    message=f"must have at most {_LONGEST} characters and no NUL among them.",
                )
            )
        elif known[name].choices and value not in known[name].choices:
            choices = ", ".join(known[name].choices)
            faults.append(FieldFault(field=f"{group}.{name}", message=f"must be one of: {choices}."))
    return faults


def _address_faults(manifest: Manifest, settings: Mapping[str, str]) -> list[FieldFault]:
    faults = []
    if _REGION in settings and settings[_REGION] not in manifest.regions:
        faults.append(_unknown_region(manifest))
    if _BASE_URL in settings and not _is_http_url(settings[_BASE_URL]):
        faults.append(FieldFault(field=f"settings.{_BASE_URL}", message="must be an http or https URL with a host."))
    return faults


def _unknown_region(manifest: Manifest) -> FieldFault:
    return FieldFault(field=f"settings.{_REGION}", message=f"must be one of: {', '.join(manifest.regions)}.")


def _is_http_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not (parts.query or parts.fragment)
