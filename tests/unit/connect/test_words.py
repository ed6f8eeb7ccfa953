from fleetwrite.connect.words import deed, sharing
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.org_enums import ShareLevelEnum
from fleetwrite.contract.orgs import SHAREABLE
from fleetwrite.contract.telematics import WRITE_BODIES
from fleetwrite.orgs.models import EVERYTHING, READ_ALL


def test_reading_is_told_and_changes_nothing() -> None:
    told = sharing(READ_ALL)
    assert told.deeds == ()
    assert told.seen.count(", ") == len(SHAREABLE) - 1
    assert told.seen.endswith(".")


def test_whatever_can_be_written_is_a_deed() -> None:
    writable = {resource for resource, _ in WRITE_BODIES} - {ResourceEnum.GROUP_MESSAGE}
    assert len(sharing(EVERYTHING).deeds) == len(writable)
    for resource in writable:
        assert len(sharing({resource: ShareLevelEnum.READ_WRITE}).deeds) == 1


def test_names_keep_their_capitals() -> None:
    assert sharing({ResourceEnum.IFTA_SUMMARY: ShareLevelEnum.READ}).seen == "Fuel tax (IFTA) mileage."


def test_every_write_has_words() -> None:
    told = {deed(resource.value, operation_type.value) for resource, operation_type in WRITE_BODIES}
    assert len(told) == len(WRITE_BODIES)
    assert not [text for text in told if "_" in text]
    assert deed(ResourceEnum.VEHICLE, ResourceOperationTypeEnum.UPDATE) == "Change a vehicle"
