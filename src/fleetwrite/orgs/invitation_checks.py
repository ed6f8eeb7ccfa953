"""What is looked at in an invitation before it is stored; every fault is told at once."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import UNSET

from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.org_enums import ShareLevelEnum
from fleetwrite.contract.orgs import InvitationCreate
from fleetwrite.kit.egress_errors import ForbiddenUrlError
from fleetwrite.kit.url_policy import UrlPolicy
from fleetwrite.orgs.errors import InvalidOrgError, InvitationStateError
from fleetwrite.orgs.faults import fault
from fleetwrite.orgs.invitation_models import Details, InvitationRequest
from fleetwrite.orgs.models import LONGEST_NAME, Levels, ShareAgreement

FORMER: Final = "partner_provided_"
"""What the fields of the fleet were called with before."""

LONGEST_REASON: Final = 2000

_EMAIL: Final = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")
"""Enough to tell an address from a slip, and to keep a mail's headers apart from it."""

_FLEET: Final = (
    "fleet_name",
    "fleet_email",
    "fleet_regulatory_id",
    "fleet_regulatory_id_type",
    "fleet_phone",
    "fleet_website",
    "fleet_country_code",
)
_OUTWARD: Final = ("success_redirect_url", "failure_redirect_url", "callback_url")


def check_request(body: InvitationCreate, registry: Registry, policy: UrlPolicy) -> InvitationRequest:
    """What the body asks for.

    Raises:
        InvalidOrgError: naming every fault.
    """
    said = _fleet_fields(body)
    faults = [
        *_former_faults(body),
        *check_name("fleet_ref", body.fleet_ref),
        *_fleet_faults(said),
        *(found for name in _OUTWARD for found in check_url(f"body.{name}", _given(body, name), policy)),
    ]
    limit_tsps = _given(body, "limit_tsps")
    faults += _tsp_faults(limit_tsps, registry)
    permissions = _given(body, "permissions")
    if permissions is not None:
        faults += level_faults("permissions", permissions)
    if faults:
        raise InvalidOrgError(faults)
    return InvitationRequest(
        fleet_ref=body.fleet_ref,
        details=Details(
            **said,
            **{name: _given(body, name) for name in _OUTWARD},
            limit_tsps=None if limit_tsps is None else tuple(dict.fromkeys(limit_tsps)),
        ),
        permissions=permissions,
        expires_in_hours=None if body.expires_in_hours is UNSET else body.expires_in_hours,
    )


def check_permissions(request: InvitationRequest, agreement: ShareAgreement | None) -> None:
    """Make sure that the partner does not ask anew for what the fleet has granted otherwise.

    Raises:
        InvitationStateError: it does; the invitation would not change what is shared.
    """
    wanted: Levels | None = request.permissions
    if agreement is not None and wanted is not None and dict(wanted) != dict(agreement.scopes):
        raise InvitationStateError(
            f"The fleet {request.fleet_ref!r} shares with you by agreement {agreement.id}, which an invitation does not"
            " change: leave `permissions` out, or cancel that agreement and invite the fleet anew."
        )


def check_decline(reason: str | None) -> None:
    """Make sure that a reason can be kept.

    Raises:
        InvalidOrgError: it is too long.
    """
    if reason is not None and len(reason) > LONGEST_REASON:
        raise InvalidOrgError(
            [fault("body.decline_reason", "", f"At most {LONGEST_REASON} characters.", ErrorType.RANGE)]
        )


def check_name(field: str, name: str) -> list[ValidationErrorDetail]:
    """What is wrong with a name."""
    path = f"body.{field}"
    if not name.strip():
        return [fault(path, name, "Must not be blank.", ErrorType.MISSING)]
    if len(name) > LONGEST_NAME:
        return [fault(path, name[:LONGEST_NAME], f"At most {LONGEST_NAME} characters.", ErrorType.RANGE)]
    return []


def check_url(path: str, url: str | None, policy: UrlPolicy) -> list[ValidationErrorDetail]:
    """What is wrong with an address that people or calls are sent to."""
    if url is None:
        return []
    try:
        policy.check(url)
    except ForbiddenUrlError as error:
        return [fault(path, url, str(error), ErrorType.FORMAT)]
    return []


def level_faults(field: str, levels: Mapping[ResourceEnum, ShareLevelEnum]) -> list[ValidationErrorDetail]:
    """What is wrong with the levels that somebody asks for."""
    if not levels:
        return [fault(f"body.{field}", "{}", "Name at least one resource.", ErrorType.MISSING)]
    if ResourceEnum.GROUP_MESSAGE in levels:
        message = "Group messages are shared as messages are: name `message`."
        return [fault(f"body.{field}.group_message", "", message, ErrorType.ENUM)]
    return []


def _given(body: InvitationCreate, name: str) -> Any:
    value = getattr(body, name)
    return None if value is UNSET else value


def _fleet_fields(body: InvitationCreate) -> dict[str, str | None]:
    """What is said of the fleet, under the new names or the former ones."""
    said = {name: _given(body, name) for name in _FLEET}
    return {name: _given(body, FORMER + name) if value is None else value for name, value in said.items()}


def _former_faults(body: InvitationCreate) -> list[ValidationErrorDetail]:
    return [
        fault(f"body.{FORMER}{name}", former, f"Says otherwise than `{name}`: leave it out.", ErrorType.CONFLICT)
        for name in _FLEET
        if (former := _given(body, FORMER + name)) is not None and _given(body, name) not in (None, former)
    ]


def _fleet_faults(said: Mapping[str, str | None]) -> list[ValidationErrorDetail]:
    faults = [
        found
        for name, value in said.items()
        if value is not None and name != "fleet_website"
        for found in check_name(name, value)
    ]
    email, website = said["fleet_email"], said["fleet_website"]
    if email is not None and not _EMAIL.fullmatch(email):
        faults.append(fault("body.fleet_email", email, "Must be one e-mail address.", ErrorType.FORMAT))
    if website is not None and not _is_web_address(website):
        faults.append(fault("body.fleet_website", website, "Must be an http or https URL.", ErrorType.FORMAT))
    if said["fleet_regulatory_id"] is not None and said["fleet_regulatory_id_type"] is None:
        message = "Is required beside `fleet_regulatory_id`: such as DOT or MC."
        faults.append(fault("body.fleet_regulatory_id_type", "", message, ErrorType.MISSING))
    return faults


def _tsp_faults(limit_tsps: list[str] | None, registry: Registry) -> list[ValidationErrorDetail]:
    if limit_tsps is None:
        return []
    if not limit_tsps:
        return [fault("body.limit_tsps", "[]", "Name at least one TSP, or leave it out for all.", ErrorType.MISSING)]
    manifests = [connector.manifest for connector in registry]
    known = {*(one.slug for one in manifests), *(one.source_name.value for one in manifests)}
    message = f"Is no TSP that can be connected here; there are: {', '.join(sorted(one.slug for one in manifests))}."
    return [
        fault(f"body.limit_tsps.{place}", name, message, ErrorType.ENUM)
        for place, name in enumerate(limit_tsps)
        if name not in known
    ]


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
