"""What Geotab's answer to a write means: a table by the class of its error, as nearly all answers have status 200.

The classes are listed at developers.geotab.com/myGeotab/guides/concepts and in the release notes of 7.0.
"""

import dataclasses
from typing import Any, Final

import msgspec

from fleetwrite.connectors.geotab import rpc
from fleetwrite.connectors.sdk.outcome import Applied, Outcome, Uncertain
from fleetwrite.connectors.sdk.outcome_table import Meaning, OutcomeTable, Row, both, refusal
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.kit.egress import HttpAnswer

_AT_WORK: Final = Row(Meaning.UNCERTAIN, Meaning.TRANSIENT)
"""Something failed while Geotab was at it, and it documents no rollback."""

DUPLICATES: Final = frozenset({"DuplicateException", "DuplicateUserException"})
"""There is one already: a stranger's, or ours, if an earlier attempt arrived."""

_REJECTING: Final = (
    "ArgumentException",
    "ArgumentNullException",
    "ArgumentOutOfRangeException",
    "GroupRelationViolatedException",
    "InvalidApiOperationException",
    "InvalidCastException",
    "JsonSerializerException",
    "MissingMemberException",
    "MissingMethodException",
    "PasswordPolicyViolationException",
)

OUTCOMES: Final = OutcomeTable(
    provider=rpc.PROVIDER,
    by_code={
        "OverLimitException": both(Meaning.THROTTLED),
        # Nothing is begun while a database is under maintenance.
        "DatabaseMaintenanceException": both(Meaning.TRANSIENT),
        # Its causes are told in words only. Some (OperationAborted, ConnectionFailure) may come when work is under way.
        "DbUnavailableException": _AT_WORK,
        "GenericException": _AT_WORK,
        "InvalidPermissionsException": both(Meaning.FORBIDDEN),
        **dict.fromkeys(sorted(rpc.REFUSED_LOGINS), both(Meaning.NO_LOGIN)),
        **dict.fromkeys(sorted(DUPLICATES), both(Meaning.REJECTED)),
        **dict.fromkeys(_REJECTING, both(Meaning.REJECTED)),
    },
    other_codes=_AT_WORK,
)

_SECRETS: Final = frozenset({"password", "sourceData"})
"""Of what was sent, what our record of it does not need: a secret, and our own words."""

_JSON: Final = msgspec.json.Encoder(decimal_format="number")


def read_outcome(write: Write, call: Call, answer: HttpAnswer) -> Outcome:
    """What `answer` to a call of `write` means."""
    answer = dataclasses.replace(answer, body=_without_secret(call, answer.body))
    meaning = OUTCOMES.meaning(write, answer, rpc.error_code(answer))
    if meaning is not Meaning.TAKEN:
        return refusal(meaning, rpc.describe(call, answer), answer)
    if not rpc.has_result(answer):
        # A page of something in between: some proxies answer 200 to everything.
        return Uncertain(details=f"{rpc.describe(call, answer)} - the answer is none of Geotab's.")
    if write.target is not None:
        return Applied(source_id=write.target.source_id, source_data=_as_kept(rpc.entity_of(call)))
    source_id = rpc.result(answer)
    if not isinstance(source_id, str) or not source_id:
        return Uncertain(details=f"HTTP {answer.status} from Geotab to {rpc.name_of(call)} names no id.")
    return Applied(source_id=source_id, source_data=_as_kept({**rpc.entity_of(call), "id": source_id}))


def is_duplicate(answer: HttpAnswer) -> bool:
    """Whether Geotab refuses a create, as there is one already."""
    return rpc.error_code(answer) in DUPLICATES


def _as_kept(entity: rpc.Entity) -> dict[str, Any]:
    """What was sent, as Geotab's own JSON: its answers bring an id or nothing."""
    kept: dict[str, Any] = msgspec.json.decode(
        _JSON.encode({name: value for name, value in entity.items() if name not in _SECRETS})
    )
    return kept


def _without_secret(call: Call, body: bytes) -> bytes:
    """`body` with the password that was sent made unreadable, should Geotab ever repeat it."""
    password: str | None = rpc.entity_of(call).get("password")
    return body.replace(password.encode(), b"***") if password else body
