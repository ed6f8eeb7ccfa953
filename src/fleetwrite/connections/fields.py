"""What a fleet enters to connect, checked against the connector's manifest."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from fleetwrite.connections.errors import BadConnectionFieldsError, FieldFault
from fleetwrite.connectors.sdk.manifest import BASE_URL, REGION, Field, Manifest
from fleetwrite.connectors.sdk.wire import MASK
from fleetwrite.contract.credentials import SHAPES, CredentialShape, secrets_of
from fleetwrite.contract.errors import ErrorType

_URL: Final = "url"
"""What the contract's shapes call the address of a server of the fleet's own."""
_LONGEST: Final = 16_384
"""The longest credentials there are, private keys and certificates, have a few thousand characters."""


def check_fields(manifest: Manifest, credentials: Mapping[str, str], settings: Mapping[str, str]) -> None:
    """Make sure that these are the fields the manifest asks for, and no others.

    Raises:
        BadConnectionFieldsError: they are not; all faults at once.
    """
    manifest = manifest.with_login_of(credentials)
    faults = [
        *_faults("credentials", manifest.credentials, credentials),
        *_faults("settings", manifest.settings, settings),
        *_address_faults(manifest, settings),
    ]
    address = address_field(manifest)
    faults = [
        msgspec.structs.replace(fault, field=address) if fault.field == f"settings.{BASE_URL}" else fault
        for fault in faults
    ]
    if faults:
        raise BadConnectionFieldsError(faults)


def check_settings_alone(manifest: Manifest, settings: Mapping[str, str]) -> None:
    """Make sure that each of these settings is one of the manifest's; not that none is missing.

    Raises:
        BadConnectionFieldsError: some are not; all faults at once.
    """
    faults = [
        fault for fault in _faults("settings", manifest.settings, settings) if fault.error_type is not ErrorType.MISSING
    ]
    faults += _address_faults(manifest, settings)
    if faults:
        raise BadConnectionFieldsError(faults)


def shape_of(manifest: Manifest) -> type[CredentialShape]:
    """The contract's shape of the credentials that a provider wants."""
    return SHAPES[manifest.credential_shape]


def address_field(manifest: Manifest) -> str:
    """Where a fleet enters the address of a server of its own."""
    return f"credentials.{_URL}" if _URL in _places(manifest) else f"settings.{BASE_URL}"


def describe_shape(manifest: Manifest) -> str:
    """What a provider wants, in words, by the contract's names."""
    places = _places(manifest)
    fields = [field for field in msgspec.structs.fields(shape_of(manifest)) if field.encode_name in places]
    required = ", ".join(field.encode_name for field in fields if field.required)
    optional = ", ".join(field.encode_name for field in fields if not field.required)
    more = f"; optional: {optional}" if optional else ""
    return f"{manifest.name} takes the shape `{manifest.credential_shape}`: {required}{more}."


def from_shape(manifest: Manifest, shape: CredentialShape) -> tuple[dict[str, str], dict[str, str]]:
    """Credentials and settings, by the names in the manifest, that a fleet entered in the contract's shape.

    Raises:
        BadConnectionFieldsError: it says something that the provider has no use for.
    """
    entered = {name: str(value) for name, value in msgspec.structs.asdict(shape).items() if value is not None}
    places = _places(manifest)
    useless = [
        FieldFault(
            field=f"credentials.{name}",
            message=f"is of no use here, leave it out. {describe_shape(manifest)}",
            error_type=ErrorType.UNKNOWN_FIELD,
        )
        for name in entered
        if name not in places
    ]
    if useless:
        raise BadConnectionFieldsError(useless)
    return (
        {name: value for name, value in entered.items() if places.get(name) == name},
        {places[name]: value for name, value in entered.items() if name in places and places[name] != name},
    )


def mask(manifest: Manifest, credentials: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """The credentials as they may be shown: the fields of the contract's shape, each secret masked.

    What a login took the place of (a code that works once) is still a required field there, and shown as a secret.
    """
    manifest = manifest.with_login_of(credentials)
    shape = shape_of(manifest)
    hidden = secrets_of(shape) | {field.name for field in manifest.credentials if field.sensitive}
    given = {
        name: credentials.get(name) if place == name else settings.get(place)
        for name, place in _places(manifest).items()
    }
    return {
        name: MASK if value is None or name in hidden else value
        for field in msgspec.structs.fields(shape)
        for name in (field.encode_name,)
        for value in (given.get(name),)
        if field.required or value is not None
    }


def base_url(manifest: Manifest, settings: Mapping[str, str]) -> str:
    """The address of the provider's API for an account, without a slash at its end.

    Raises:
        BadConnectionFieldsError: the region is not one of the manifest's.
    """
    address = manifest.base_url(settings)
    if address is None:
        raise BadConnectionFieldsError([_unknown_region(manifest)])
    return address


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
    if REGION in settings and settings[REGION] not in manifest.regions:
        faults.append(_unknown_region(manifest))
    if BASE_URL in settings and not _is_http_url(settings[BASE_URL]):
        faults.append(FieldFault(field=f"settings.{BASE_URL}", message="must be an http or https URL with a host."))
    return faults


def _unknown_region(manifest: Manifest) -> FieldFault:
    return FieldFault(field=f"settings.{REGION}", message=f"must be one of: {', '.join(manifest.regions)}.")


def _is_http_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    # Who puts a password into it would have it shown.
    is_bare = not (parts.query or parts.fragment or "@" in parts.netloc)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and is_bare


def _places(manifest: Manifest) -> dict[str, str]:
    """Where the fields of the contract's shape go: to the credential of that name, or the address to a setting."""
    own = {field.name for field in manifest.credentials}
    has_address = any(field.name == BASE_URL for field in manifest.settings)
    names = (field.encode_name for field in msgspec.structs.fields(shape_of(manifest)))
    places = {name: name if name in own else BASE_URL if name == _URL and has_address else "" for name in names}
    return {name: place for name, place in places.items() if place}
