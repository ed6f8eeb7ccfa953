"""Field tables as data, and the draft that they fill.

A connector has one table for each body: our field -> what becomes of it at the provider. Every field of the contract
has a row, so that none is dropped silently; `NoPlace` says why one can not be held.
"""

import enum
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from fleetwrite.connectors.sdk.units import convert, round_to_places
from fleetwrite.connectors.sdk.write import Fault, Loss, UntranslatableWriteError, Write
from fleetwrite.contract.enums import DistanceUnitEnum, FuelVolumeUnitEnum, ResourceOperationTypeEnum
from fleetwrite.contract.errors import ErrorType


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A text that the provider takes as it is.

    Attributes:
        to: the provider's key; a point leads into a nested object (`externalIds.partnerVehicleId`).
        min_length: in characters.
        max_length: in characters; None where the provider documents none.
        pattern: what the whole text must match; without flags, which JSON Schema knows none of.
        pattern_meaning: `pattern` in words.
        may_be_cut: prose that may be cut to `max_length` when the partner allows losses; never an identifier.
        emptied_by: what clears it at the provider; UNSET where it can not be cleared.
        required: why a create without it is refused; empty: it may be left out.
    """

    to: str
    min_length: int = 0
    max_length: int | None = None
    pattern: str | None = None
    pattern_meaning: str = ""
    may_be_cut: bool = False
    emptied_by: str | UnsetType | None = UNSET
    required: str = ""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A number, boolean or enum word that the provider takes as it is. The rest as in `Text`."""

    to: str
    emptied_by: Any = UNSET
    required: str = ""


class Coded(msgspec.Struct, frozen=True, kw_only=True):
    """An enum whose values have other names at the provider.

    Attributes:
        to: as in `Text`.
        codes: our value -> the provider's.
        otherwise: why a value that is not in `codes` is lost.
        emptied_by: as in `Text`.
        required: as in `Text`.
    """

    to: str
    codes: Mapping[Any, Any]
    otherwise: str = ""
    emptied_by: Any = UNSET
    required: str = ""


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A volume or a distance that the provider wants in a unit of its own, rounded half to even.

    Attributes:
        to: as in `Text`.
        unit_field: our field with the unit; its row in the table is a `UnitOf`.
        unit: the provider's unit.
        places: digits after the point that the provider keeps.
        largest: above it the write is refused; below zero it always is. None: no bound is known.
        required: as in `Text`.
    """

    to: str
    unit_field: str
    unit: FuelVolumeUnitEnum | DistanceUnitEnum
    places: int
    largest: Decimal | None = None
    required: str = ""


class UnitOf(msgspec.Struct, frozen=True):
    """The unit of the `Measure` in `field`: converted, so that nothing of it is lost."""

    field: str


class ByCode(msgspec.Struct, frozen=True, kw_only=True):
    """A field that the connector's code translates; the table only knows that it does.

    Attributes:
        how: what the code does with it.
        can_be_emptied: whether the code knows how to empty it.
        is_fixed: whether no update can change it.
        required: as in `Text`.
    """

    how: str
    can_be_emptied: bool = False
    is_fixed: bool = False
    required: str = ""


class NoPlace(msgspec.Struct, frozen=True):
    """A field that the provider can not hold. An essential one is refused unless the partner allows losses."""

    reason: str
    essential: bool = False


Rule = Text | Value | Coded | Measure | UnitOf | ByCode | NoPlace
Table = Mapping[str, Rule]


class Draft:
    """A provider's body in the making: what was placed, what is lost, what is wrong.

    All faults are collected before any is raised, so that a partner learns of them at once.
    """

    def __init__(self, write: Write, table: Table, *, provider: str) -> None:
        self.write = write
        self.body: dict[str, Any] = {}
        self._table = table
        self._provider = provider
        self._faults: list[Fault] = []
        self._losses: list[Loss] = []

    @property
    def is_update(self) -> bool:
        return self.write.operation_type is ResourceOperationTypeEnum.UPDATE

    def given(self, field: str) -> Any:
        """The field's value; None where it is absent or null."""
        value = getattr(self.write.body, field)
        return None if value is UNSET else value

    def is_cleared(self, field: str) -> bool:
        """Whether the partner wants the field emptied. A create has nothing to empty."""
        return self.is_update and field in self.write.cleared

    def fill(self) -> None:
        """Do what the table says of each field but those left to code."""
        for field, rule in self._table.items():
            if self.is_cleared(field):
                self._clear(field, rule)
            elif (value := self.given(field)) is not None:
                self._place(field, rule, value)
            elif not self.is_update and not isinstance(rule, NoPlace | UnitOf) and rule.required:
                self.fault(field, ErrorType.REQUIRED_BY_TSP, rule.required)

    def put(self, key: str, value: Any) -> None:
        """Set `key` of the provider's body; a point leads into a nested object."""
        *parents, last = key.split(".")
        target = self.body
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = value

    def fault(self, field: str, error_type: ErrorType, message: str) -> None:
        """Note a reason to refuse the write."""
        self._faults.append(Fault(field=field, error_type=error_type, message=message))

    def lose(self, field: str, reason: str, *, essential: bool = False) -> None:
        """Note that `field` is not in the provider's body; an essential one is a fault unless losses are allowed."""
        if essential and not self.write.allow_losses:
            self.fault(
                field,
                ErrorType.LOSS,
                f"{reason} Leave it out, or accept the loss with the header Fleetwrite-Losses: allow.",
            )
        else:
            self._losses.append(Loss(field=field, reason=reason))

    def fit_text(self, field: str, text: str, max_length: int) -> str:
        """`text`, if it fits; cut to `max_length` characters where the partner allows losses, else a fault."""
        if len(text) <= max_length:
            return text
        if self.write.allow_losses:
            self._losses.append(
                Loss(field=field, reason=f"Cut to the {max_length} characters that {self._provider} takes.")
            )
            return text[:max_length]
        self.fault(
            field,
            ErrorType.RANGE,
            f"{self._provider} takes at most {max_length} characters; this has {len(text)}. Shorten it, or have it cut "
            "with the header Fleetwrite-Losses: allow.",
        )
        return text

    def require_change(self) -> None:
        """Refuse an update that leaves nothing to send."""
        if self.body or self._faults:
            return
        if self._losses:
            for loss in self._losses:
                self.fault(loss.field, ErrorType.LOSS, f"{loss.reason} Nothing else is in this update.")
            return
        changeable = [field for field, rule in self._table.items() if _is_changeable(rule)]
        self.fault(
            changeable[0],
            ErrorType.MISSING,
            f"This update changes nothing at {self._provider}. Send at least one of: {', '.join(changeable)}.",
        )

    def settle(self) -> tuple[Loss, ...]:
        """The losses of a sound write.

        Raises:
            UntranslatableWriteError: there are faults.
        """
        if self._faults:
            raise UntranslatableWriteError(tuple(self._faults))
        return tuple(self._losses)

    def _place(self, field: str, rule: Rule, value: Any) -> None:
        match rule:
            case Text():
                self._place_text(field, rule, value)
            case Value():
                self.put(rule.to, value.value if isinstance(value, enum.Enum) else value)
            case Coded():
                if value in rule.codes:
                    self.put(rule.to, rule.codes[value])
                else:
                    self.lose(field, rule.otherwise)
            case Measure():
                self._place_measure(field, rule, value)
            case NoPlace():
                self.lose(field, rule.reason, essential=rule.essential)
            case UnitOf() if self.given(rule.field) is None:
                self.fault(rule.field, ErrorType.MISSING, f"{field} is the unit of this, which is missing.")
            case UnitOf() | ByCode():
                pass

    def _place_measure(self, field: str, rule: Measure, value: Decimal) -> None:
        given_in = self.given(rule.unit_field)
        if given_in is None:
            self.fault(rule.unit_field, ErrorType.REQUIRED_BY_TSP, f"Without its unit, {field} can not be converted.")
            return
        measured = round_to_places(convert(value, given_in, rule.unit), rule.places)
        if measured < 0 or (rule.largest is not None and measured > rule.largest):
            bound = "0 or more" if rule.largest is None else f"0 to {rule.largest}"
            self.fault(field, ErrorType.RANGE, f"{self._provider} takes {bound} ({rule.unit.value}) here.")
            return
        self.put(rule.to, measured)

    def _place_text(self, field: str, rule: Text, text: str) -> None:
        longest = rule.max_length
        if longest is not None and rule.may_be_cut:
            text = self.fit_text(field, text, longest)
        elif len(text) < rule.min_length or (longest is not None and len(text) > longest):
            allowed = f"{rule.min_length} to {longest}" if longest is not None else f"at least {rule.min_length}"
            self.fault(
                field,
                ErrorType.RANGE,
                f"{self._provider} takes {allowed} characters here; this has {len(text)}.",
            )
        if rule.pattern is not None and not re.fullmatch(rule.pattern, text):
            self.fault(field, ErrorType.FORMAT, f"{self._provider} takes {rule.pattern_meaning} here.")
        self.put(rule.to, text)

    def _clear(self, field: str, rule: Rule) -> None:
        match rule:
            case NoPlace():
                self.lose(field, rule.reason)
            case ByCode(can_be_emptied=True):
                pass
            case Text() | Value() | Coded() if rule.emptied_by is not UNSET:
                self.put(rule.to, rule.emptied_by)
            case _:
                self.fault(
                    field,
                    ErrorType.REQUIRED_BY_TSP,
                    f"{self._provider} has no way to empty this field. Leave it out to keep what is there.",
                )


def _is_changeable(rule: Rule) -> bool:
    match rule:
        case NoPlace() | UnitOf() | ByCode(is_fixed=True):
            return False
        case _:
            return True
