import pytest

from connectors.samsara.samsara_writes import create, update
from fleetwrite.connectors.sdk.mapping import ByCode, Coded, Draft, NoPlace, Table, Text, Value
from fleetwrite.connectors.sdk.write import Loss, UntranslatableWriteError, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType

TABLE: Table = {
    "vehicle_name": Text(to="name", min_length=1, max_length=5),
    "notes": Text(to="nested.notes", max_length=5, may_be_cut=True, emptied_by=""),
    "vin": Text(to="vin", pattern="[A-Z]*", pattern_meaning="capital letters"),
    "model_year": Value(to="year"),
    "status": Coded(to="state", codes={"SPARE": 7}, otherwise="No such state.", emptied_by=None),
    "is_active": NoPlace("No place.", essential=True),
    "oem": NoPlace("No maker."),
    "external_id": ByCode(how="by hand"),
    "engine_vin": ByCode(how="by hand", can_be_emptied=True),
}


def filled(write: Write) -> Draft:
    draft = Draft(write, TABLE, provider="Acme")
    draft.fill()
    return draft


def faults(draft: Draft) -> list[tuple[str, ErrorType]]:
    with pytest.raises(UntranslatableWriteError) as refused:
        draft.settle()
    return [(fault.field, fault.error_type) for fault in refused.value.faults]


def test_fields_go_where_the_table_says() -> None:
    draft = filled(
        create(
            ResourceEnum.VEHICLE,
            {"vehicle_name": "U1", "notes": "n", "model_year": 2021, "status": "SPARE", "external_id": "x"},
        )
    )

    assert draft.body == {"name": "U1", "nested": {"notes": "n"}, "year": 2021, "state": 7}
    assert draft.settle() == ()


def test_absent_and_null_fields_leave_nothing_behind() -> None:
    draft = filled(update(ResourceEnum.VEHICLE, {"vehicle_name": None, "is_active": None, "oem": None}))

    assert draft.body == {}
    assert draft.settle() == ()


def test_losses_are_listed_in_the_order_of_the_table() -> None:
    draft = filled(
        create(ResourceEnum.VEHICLE, {"oem": "Acme", "is_active": True, "status": "IN_USE"}, allow_losses=True)
    )

    assert draft.settle() == (
        Loss(field="status", reason="No such state."),
        Loss(field="is_active", reason="No place."),
        Loss(field="oem", reason="No maker."),
    )


def test_an_essential_loss_is_refused_unless_allowed() -> None:
    assert faults(filled(create(ResourceEnum.VEHICLE, {"is_active": True}))) == [("is_active", ErrorType.LOSS)]


def test_all_faults_are_told_at_once() -> None:
    draft = filled(create(ResourceEnum.VEHICLE, {"vehicle_name": "too long", "notes": "too long", "vin": "abc"}))

    assert faults(draft) == [
        ("vehicle_name", ErrorType.RANGE),
        ("notes", ErrorType.RANGE),
        ("vin", ErrorType.FORMAT),
    ]


def test_prose_is_cut_where_losses_are_allowed_and_identifiers_never() -> None:
    draft = filled(create(ResourceEnum.VEHICLE, {"notes": "123456"}, allow_losses=True))
    assert draft.body == {"nested": {"notes": "12345"}}
    assert [loss.field for loss in draft.settle()] == ["notes"]

    draft = filled(create(ResourceEnum.VEHICLE, {"vehicle_name": "123456"}, allow_losses=True))
    assert faults(draft) == [("vehicle_name", ErrorType.RANGE)]


def test_cleared_fields_are_emptied_where_the_provider_can() -> None:
    cleared = frozenset({"notes", "status", "oem", "engine_vin"})
    draft = filled(update(ResourceEnum.VEHICLE, dict.fromkeys(cleared), cleared=cleared))

    assert draft.body == {"nested": {"notes": ""}, "state": None}
    assert [loss.field for loss in draft.settle()] == ["oem"]


def test_clearing_what_can_not_be_emptied_is_refused() -> None:
    cleared = frozenset({"vehicle_name", "external_id"})
    draft = filled(update(ResourceEnum.VEHICLE, dict.fromkeys(cleared), cleared=cleared))

    assert faults(draft) == [
        ("vehicle_name", ErrorType.REQUIRED_BY_TSP),
        ("external_id", ErrorType.REQUIRED_BY_TSP),
    ]


def test_a_create_has_nothing_to_clear() -> None:
    draft = filled(create(ResourceEnum.VEHICLE, {"vehicle_name": None}, cleared=frozenset({"vehicle_name"})))

    assert draft.settle() == ()


def test_an_update_of_lost_fields_only_is_refused_naming_them() -> None:
    draft = filled(update(ResourceEnum.VEHICLE, {"oem": "Acme"}, allow_losses=True))
    draft.require_change()

    assert faults(draft) == [("oem", ErrorType.LOSS)]


def test_an_update_of_nothing_is_refused() -> None:
    draft = filled(update(ResourceEnum.VEHICLE, {}))
    draft.require_change()

    assert faults(draft) == [("vehicle_name", ErrorType.MISSING)]
