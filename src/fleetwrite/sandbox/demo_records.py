"""The demo's writes of vehicles, trailers, drivers and office users.

What is expected is written down here from Samsara's documentation, in Samsara's own words, and not computed by the
connector: it is what the connector is judged by.
"""

from fleetwrite.sandbox.expectations import DemoWrite, ExpectedCall, ExpectedRecord, Later, Matching
from fleetwrite.sandbox.partner import Json


def create_vehicle(tag: str) -> DemoWrite:
    """A new vehicle with everything Samsara keeps of one."""
    vin = f"1FUJGLDR5CL{tag.upper()}"
    return DemoWrite(
        name="create vehicle",
        path="/v2/telematics/vehicles",
        body={
            "vehicle_name": f"Demo truck {tag}",
            "vin": vin,
            "oem": "Freightliner",
            "model_type": "Cascadia",
            "model_year": 2024,
            "license_plate_number": f"FW{tag}",
            "notes": "Lift gate on the left",
            "external_id": f"TMS-{tag}",
        },
        read_path="/v2/telematics/vehicles",
        call=ExpectedCall(
            method="POST",
            path="/assets",
            known_by="name",
            body={
                "type": "vehicle",
                "name": f"Demo truck {tag}",
                "vin": vin,
                "make": "Freightliner",
                "model": "Cascadia",
                "year": 2024,
                "licensePlate": f"FW{tag}",
                "notes": "Lift gate on the left",
                "externalIds": {"partnerVehicleId": f"TMS-{tag}", "fleetwriteOperation": Later.OPERATION_HEX},
            },
        ),
        records=(
            ExpectedRecord(
                collection="vehicles",
                known_by={"name": f"Demo truck {tag}"},
                fields={
                    "id": Later.SOURCE_ID,
                    "vin": vin,
                    "make": "Freightliner",
                    "model": "Cascadia",
                    # Samsara takes the year as a number and shows it as a text.
                    "year": "2024",
                    "licensePlate": f"FW{tag}",
                    "notes": "Lift gate on the left",
                    "externalIds": {"partnerVehicleId": f"TMS-{tag}", "fleetwriteOperation": Later.OPERATION_HEX},
                },
            ),
        ),
    )


def update_vehicle(vehicle: Json, tag: str) -> DemoWrite:
    """A new plate and note for a vehicle; the rest stays."""
    source_id = vehicle["source_id"]
    changed = {"licensePlate": f"UP{tag}", "notes": f"Repainted, job {tag}"}
    return DemoWrite(
        name="update vehicle",
        method="PATCH",
        path=f"/v2/telematics/vehicles/{vehicle['id']}",
        body={"license_plate_number": f"UP{tag}", "notes": f"Repainted, job {tag}"},
        read_path="/v2/telematics/vehicles",
        call=ExpectedCall(method="PATCH", path=f"/fleet/vehicles/{source_id}", body=changed),
        records=(
            ExpectedRecord(
                collection="vehicles",
                known_by={"id": source_id},
                fields={**changed, "id": Later.SOURCE_ID, "name": vehicle["vehicle_name"], "vin": vehicle["vin"]},
            ),
        ),
    )


def create_trailer_with_vin(tag: str) -> DemoWrite:
    """A new trailer with a VIN, which only the asset endpoint takes."""
    vin = f"1JJV532D7KL{tag.upper()}"
    held = {
        "type": "trailer",
        "vin": vin,
        "make": "Wabash",
        "externalIds": {"partnerTrailerId": f"TMS-{tag}", "fleetwriteOperation": Later.OPERATION_HEX},
    }
    return DemoWrite(
        name="create trailer (VIN)",
        path="/v2/telematics/trailers",
        body={"trailer_name": f"Demo reefer {tag}", "vin": vin, "oem": "Wabash", "external_id": f"TMS-{tag}"},
        read_path="/v2/telematics/trailers",
        call=ExpectedCall(method="POST", path="/assets", known_by="name", body={"name": f"Demo reefer {tag}", **held}),
        records=(
            ExpectedRecord(
                collection="trailers",
                known_by={"name": f"Demo reefer {tag}"},
                fields={"id": Later.SOURCE_ID, **held},
            ),
        ),
    )


def create_trailer_by_name(tag: str) -> DemoWrite:
    """A new trailer without: trailers have an endpoint of their own."""
    held = {"licensePlate": f"TR{tag}", "externalIds": {"fleetwriteOperation": Later.OPERATION_HEX}}
    return DemoWrite(
        name="create trailer",
        path="/v2/telematics/trailers",
        body={"trailer_name": f"Demo flatbed {tag}", "license_plate_number": f"TR{tag}"},
        read_path="/v2/telematics/trailers",
        call=ExpectedCall(
            method="POST", path="/fleet/trailers", known_by="name", body={"name": f"Demo flatbed {tag}", **held}
        ),
        records=(
            ExpectedRecord(
                collection="trailers",
                known_by={"name": f"Demo flatbed {tag}"},
                fields={"id": Later.SOURCE_ID, **held},
            ),
        ),
    )


def update_trailer(trailer: Json, tag: str) -> DemoWrite:
    """A new note for a trailer; the rest stays."""
    source_id = trailer["source_id"]
    changed = {"notes": f"New tyres, job {tag}"}
    return DemoWrite(
        name="update trailer",
        method="PATCH",
        path=f"/v2/telematics/trailers/{trailer['id']}",
        body={"notes": f"New tyres, job {tag}"},
        read_path="/v2/telematics/trailers",
        call=ExpectedCall(method="PATCH", path=f"/fleet/trailers/{source_id}", body=changed),
        records=(
            ExpectedRecord(
                collection="trailers",
                known_by={"id": source_id},
                fields={
                    **changed,
                    "id": Later.SOURCE_ID,
                    "name": trailer["trailer_name"],
                    "licensePlate": trailer["license_plate_number"],
                },
            ),
        ),
    )


def create_driver(name: str, tag: str) -> DemoWrite:
    """A new driver, for whom Fleetwrite makes up the password that Samsara wants."""
    held = {
        "name": "Dana Demo",
        "phone": "+1 555 010 0199",
        "licenseNumber": f"D{tag.upper()}",
        "licenseState": "TX",
        "timezone": "America/Denver",
        "eldPcEnabled": True,
        "eldExempt": False,
        "usDriverRulesetOverride": {
            "cycle": "USA Property (8/70)",
            "restart": "34-hour Restart",
            "restbreak": "Property (off-duty/sleeper)",
            "usStateToOverride": "",
        },
        "externalIds": {"partnerEmployeeNumber": f"E-{tag}", "fleetwriteOperation": Later.OPERATION_HEX},
    }
    return DemoWrite(
        name=name,
        path="/v2/telematics/users",
        body={
            "is_driver": True,
            "first_name": "Dana",
            "last_name": "Demo",
            "username": f"dana.demo.{tag}",
            "phone_number": "+1 555 010 0199",
            "license_number": f"D{tag.upper()}",
            "license_region": "TX",
            "employee_number": f"E-{tag}",
            "default_time_zone": "America/Denver",
            "hos_ruleset_code": "US_INT_PROP_70_8",
            "hos_compliance_type": "non_exempt",
            "allow_personal_conveyance": True,
        },
        read_path="/v2/telematics/users",
        call=ExpectedCall(
            method="POST",
            path="/fleet/drivers",
            known_by="username",
            # The simulator's log hides passwords; the stars say that there was one.
            body={**held, "username": f"dana.demo.{tag}", "password": "***"},
        ),
        records=(
            ExpectedRecord(
                collection="drivers",
                known_by={"username": f"dana.demo.{tag}"},
                fields={**held, "id": Later.SOURCE_ID, "driverActivationStatus": "active"},
            ),
        ),
    )


def update_driver(driver: Json, tag: str) -> DemoWrite:
    """A new phone number, note and permission for a driver; the rest stays."""
    source_id = driver["source_id"]
    changed = {"phone": "+1 555 010 0142", "notes": f"Prefers nights ({tag})", "eldYmEnabled": True}
    return DemoWrite(
        name="update driver",
        method="PATCH",
        path=f"/v2/telematics/users/{driver['id']}",
        body={"phone_number": "+1 555 010 0142", "notes": f"Prefers nights ({tag})", "allow_yard_move": True},
        read_path="/v2/telematics/users",
        call=ExpectedCall(method="PATCH", path=f"/fleet/drivers/{source_id}", body=changed),
        records=(
            ExpectedRecord(
                collection="drivers",
                known_by={"id": source_id},
                fields={
                    **changed,
                    "id": Later.SOURCE_ID,
                    "username": driver["username"],
                    "licenseNumber": driver["license_number"],
                },
            ),
        ),
    )


def create_office_user(tag: str) -> DemoWrite:
    """A new office user, who gets the least role."""
    email = f"olga.{tag}@demo.example"
    held = {"name": "Olga Office", "authType": "default"}
    return DemoWrite(
        name="create office user",
        path="/v2/telematics/users",
        body={"is_driver": False, "first_name": "Olga", "last_name": "Office", "user_email": email},
        read_path="/v2/telematics/users",
        call=ExpectedCall(
            method="POST",
            path="/users",
            known_by="email",
            body={**held, "email": email, "roles": [{"roleId": Matching(".+")}]},
        ),
        records=(
            ExpectedRecord(
                collection="users",
                known_by={"email": email},
                # The least of the roles that the simulated organisation has; its settings name it.
                fields={**held, "id": Later.SOURCE_ID, "roles": [{"role": {"name": "Read-Only Admin"}}]},
            ),
        ),
    )


def update_office_user(user: Json, tag: str) -> DemoWrite:
    """A new name for an office user; the rest stays."""
    source_id = user["source_id"]
    changed = {"name": f"Ines Vogel-{tag}"}
    return DemoWrite(
        name="update office user",
        method="PATCH",
        path=f"/v2/telematics/users/{user['id']}",
        body={"first_name": "Ines", "last_name": f"Vogel-{tag}"},
        read_path="/v2/telematics/users",
        call=ExpectedCall(method="PATCH", path=f"/users/{source_id}", body=changed),
        records=(
            ExpectedRecord(
                collection="users",
                known_by={"id": source_id},
                fields={**changed, "id": Later.SOURCE_ID, "email": user["user_email"]},
            ),
        ),
    )
