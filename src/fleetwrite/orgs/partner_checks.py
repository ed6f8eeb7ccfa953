"""What is looked at in a partner, and in what is kept of it, before it is stored."""

from collections.abc import Sequence
from typing import Final

from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.org_enums import PartnerPropertyKeyEnum
from fleetwrite.contract.orgs import LONGEST_EXPIRES_IN_HOURS, PartnerPropertyCreate
from fleetwrite.kit.url_policy import UrlPolicy
from fleetwrite.orgs.errors import InvalidOrgError
from fleetwrite.orgs.faults import fault
from fleetwrite.orgs.invitation_checks import check_name, check_url

LONGEST_TEXT: Final = 10_000
"""Characters of a description, or of a property."""

_Key = PartnerPropertyKeyEnum

_URLS: Final = frozenset(
    {_Key.DEFAULT_SUCCESS_REDIRECT_URL, _Key.DEFAULT_FAILURE_REDIRECT_URL, _Key.DEFAULT_CALLBACK_URL}
)
PARTNERS_OWN: Final = _URLS | {_Key.DEFAULT_INVITATION_EXPIRES_IN_HOURS}
"""Keys that a partner sees and sets; the others are the operator's notes on it."""


def check_texts(*, name: str | None, description: str | None) -> None:
    """Make sure that a partner can be called and described so; None is not looked at.

    Raises:
        InvalidOrgError: it can not.
    """
    faults = [] if name is None else check_name("name", name)
    if description is not None and len(description) > LONGEST_TEXT:
        faults.append(fault("body.description", "", f"At most {LONGEST_TEXT} characters.", ErrorType.RANGE))
    if faults:
        raise InvalidOrgError(faults)


def check_properties(properties: Sequence[PartnerPropertyCreate], policy: UrlPolicy, path: str) -> None:
    """Make sure that these can be kept; `path` is where they stand in the body, with a dot at its end.

    Raises:
        InvalidOrgError: naming every fault.
    """
    faults: list[ValidationErrorDetail] = []
    for place, one in enumerate(properties):
        where = f"{path}{place}."
        if one.key in {other.key for other in properties[:place]}:
            faults.append(fault(f"{where}key", one.key, "This key is given already.", ErrorType.CONFLICT))
        if one.key in _URLS:
            faults += check_url(f"{where}value", one.value, policy)
        elif one.key is _Key.DEFAULT_INVITATION_EXPIRES_IN_HOURS:
            if not (one.value.isascii() and one.value.isdecimal() and 1 <= int(one.value) <= LONGEST_EXPIRES_IN_HOURS):
                message = f"Must be a whole number of hours from 1 to {LONGEST_EXPIRES_IN_HOURS}."
                faults.append(fault(f"{where}value", one.value[:100], message, ErrorType.RANGE))
        elif len(one.value) > LONGEST_TEXT:
            faults.append(fault(f"{where}value", "", f"At most {LONGEST_TEXT} characters.", ErrorType.RANGE))
    if faults:
        raise InvalidOrgError(faults)
