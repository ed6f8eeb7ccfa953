"""What attempts and probes tell about a host and a login, and what follows from how much of it."""

from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec


class Reach(StrEnum):
    """How far the last call of an attempt came."""

    ANSWERED = "answered"
    """The host does its work, and the login is good for it; whatever it answered."""

    FAILED = "failed"
    """No answer, or one that says that the host itself is in trouble (5xx)."""

    LOGIN_REFUSED = "login_refused"
    """The host does not accept the connection's login."""


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt tells about the host it went to.

    Attributes:
        connection_id: under whose login.
        operation_id: what was attempted; of calls for no operation the connection, which then counts as one.
        tsp_slug: which provider's host that is.
        host: `name:port` of the provider's API for this account.
        reach: how far it came.
    """

    connection_id: UUID
    operation_id: UUID
    tsp_slug: str
    host: str
    reach: Reach


class Cause(StrEnum):
    """Why a breaker is open."""

    FAILURES = "failures"
    LOGINS = "logins"


class OutageRules(msgspec.Struct, frozen=True, kw_only=True):
    """When a connection is parked, when a breaker opens, and when to look again. The defaults carry their reasons.

    Attributes:
        failures: so many different operations failed at a host one after the other, none of any connection coming
            through in between. Of a host that fails one call in ten, five in a row happen once in 100,000 calls. One
            operation counts once: what fails each time because of its own body says nothing about the host.
        host_first: until the first probe of an open breaker. A hiccup is over by then, and one read disturbs nobody; a
            restart or a failover, which takes some ten seconds, is met by the third or fourth.
        host_longest: the intervals double up to this. One read a minute is nothing to a provider, and after a long
            night nobody waits longer than that.
        login_first: until a parked login is tried for the first time. A minute outlasts the hiccups of login servers.
        login_longest: the intervals double up to this. A person has to act, which seldom takes less than an hour; new
            credentials make the connection active without waiting for the probe.
        incident_logins: so many logins refused at one host are no coincidence; two tokens of one fleet may be.
        incident_share: at least this share of the connections tried there. A fleet group that revokes its three tokens
            is no incident while twenty others get through.
        incident_within: the time in which they were first refused, or tried. Long enough for connections with little
            to do to be heard of, far shorter than the time in which unrelated tokens get revoked.
        accepted_noted_for: that a login works is written down again after so long. Short against `incident_within`;
            long enough for a busy connection to cost two updates a minute and not one for each write.
    """

    failures: int = 5
    host_first: timedelta = timedelta(seconds=2)
    host_longest: timedelta = timedelta(minutes=1)
    login_first: timedelta = timedelta(minutes=1)
    login_longest: timedelta = timedelta(hours=1)
    incident_logins: int = 3
    incident_share: float = 0.5
    incident_within: timedelta = timedelta(minutes=2)
    accepted_noted_for: timedelta = timedelta(seconds=30)


RULES: Final = OutageRules()
