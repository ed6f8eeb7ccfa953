"""What a token may allow. The names are the contract's, but for `admin`; each endpoint asks for one of them."""

from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """One permission."""

    TELEMATICS_READ = "telematics:read"
    TELEMATICS_WRITE = "telematics:write"
    RESOURCE_OPERATION_READ = "resource_operation:read"
    CONNECTION_READ = "connection:read"
    CONNECTION_CREATE = "connection:create"
    CONNECTION_UPDATE = "connection:update"
    CONNECTION_DELETE = "connection:delete"
    SCHEDULE_READ = "schedule:read"
    SCHEDULE_CREATE = "schedule:create"
    SCHEDULE_UPDATE = "schedule:update"
    SCHEDULE_DELETE = "schedule:delete"
    EXECUTION_READ = "execution:read"
    WEBHOOK_READ = "webhook:read"
    WEBHOOK_CREATE = "webhook:create"
    WEBHOOK_UPDATE = "webhook:update"
    WEBHOOK_DELETE = "webhook:delete"
    INVITATION_READ = "invitation:read"
    INVITATION_CREATE = "invitation:create"
    INVITATION_DELETE = "invitation:delete"
    SHARE_AGREEMENT_READ = "share-agreement:read"
    SHARE_AGREEMENT_UPDATE = "share-agreement:update"
    SHARE_AGREEMENT_DELETE = "share-agreement:delete"
    FLEET_READ = "fleet:read"
    FLEET_CREATE = "fleet:create"
    FLEET_UPDATE = "fleet:update"
    FLEET_DELETE = "fleet:delete"
    PARTNER_READ = "partner:read"
    PARTNER_CREATE = "partner:create"
    PARTNER_UPDATE = "partner:update"
    PARTNER_PROPERTY_READ = "partner-property:read"
    PARTNER_PROPERTY_CREATE = "partner-property:create"
    TSP_CREATE = "tsp:create"
    TSP_UPDATE = "tsp:update"
    TSP_DELETE = "tsp:delete"
    ADMIN = "admin"


PARTNER_SCOPES: Final = frozenset(
    {
        Scope.TELEMATICS_READ,
        Scope.TELEMATICS_WRITE,
        Scope.RESOURCE_OPERATION_READ,
        Scope.CONNECTION_READ,
        # The contract leaves connections to fleets; here it is what lets a partner replace a connection's budgets.
        Scope.CONNECTION_UPDATE,
        Scope.SCHEDULE_READ,
        Scope.EXECUTION_READ,
        Scope.WEBHOOK_READ,
        Scope.WEBHOOK_CREATE,
        Scope.WEBHOOK_UPDATE,
        Scope.WEBHOOK_DELETE,
        Scope.INVITATION_READ,
        Scope.INVITATION_CREATE,
        Scope.INVITATION_DELETE,
        Scope.FLEET_READ,
        Scope.SHARE_AGREEMENT_READ,
        # A partner can only take less by these, never more.
        Scope.SHARE_AGREEMENT_UPDATE,
        Scope.SHARE_AGREEMENT_DELETE,
        Scope.PARTNER_READ,
        Scope.PARTNER_PROPERTY_READ,
        Scope.PARTNER_PROPERTY_CREATE,
    }
)
"""What a partner's client gets unless less is wanted."""

OPERATOR_SCOPES: Final = frozenset(
    {
        Scope.ADMIN,
        Scope.PARTNER_READ,
        Scope.PARTNER_CREATE,
        Scope.PARTNER_UPDATE,
        Scope.PARTNER_PROPERTY_READ,
        Scope.PARTNER_PROPERTY_CREATE,
    }
)
"""What a client of the operator gets."""

OPERATORS_ALONE: Final = frozenset({Scope.ADMIN, Scope.PARTNER_CREATE, Scope.PARTNER_UPDATE})
"""What no partner's client may have."""

ORGANIZATION: Final = "organization"
"""The one scope a token request of the contract names: all that the client was granted."""
