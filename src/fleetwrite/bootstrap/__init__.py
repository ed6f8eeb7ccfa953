"""The composition root: from settings to services that know each other, and to what a worker does with them."""

from fleetwrite.bootstrap.chosen import backoff_of, retention_rules
from fleetwrite.bootstrap.opening import key_provider, open_services, require_database_url
from fleetwrite.bootstrap.services import REALM_PATH, Services
from fleetwrite.bootstrap.working import run_worker

__all__ = [
    "REALM_PATH",
    "Services",
    "backoff_of",
    "key_provider",
    "open_services",
    "require_database_url",
    "retention_rules",
    "run_worker",
]
