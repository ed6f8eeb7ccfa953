"""Enums of the telematics and integrations APIs, except the long ones, which have modules of their own."""

import enum


class ResourceEnum(enum.StrEnum):
    """What a record, an operation or an event is about."""

    ASSET = "asset"
    DRIVER_ASSOCIATION = "driver_association"
    DRIVER_VEHICLE_ASSOCIATION = "driver_vehicle_association"
    DRIVER_EVENT_LOG = "driver_event_log"
    DRIVER_SAFETY_EVENT = "driver_safety_event"
    DVIR_LOG = "dvir_log"
    DVIR_LOG_DEFECT = "dvir_log_defect"
    ENGINE_LOG = "engine_log"
    ENGINE_STATUS = "engine_status"
    FUEL_TRANSACTION = "fuel_transaction"
    HOS_AVAILABILITY = "hos_availability"
    HOS_DAILY_SNAPSHOT = "hos_daily_snapshot"
    HOS_EVENT = "hos_event"
    HOS_EVENT_ANNOTATION = "hos_event_annotation"
    HOS_EVENT_ATTACHMENT = "hos_event_attachment"
    HOS_VIOLATION = "hos_violation"
    IFTA_SUMMARY = "ifta_summary"
    LOCATION_SEGMENT = "location_segment"
    MESSAGE = "message"
    GROUP_MESSAGE = "group_message"
    USER = "user"
    VEHICLE = "vehicle"
    VEHICLE_LOCATION = "vehicle_location"
    VEHICLE_SENSOR = "vehicle_sensor"
    VEHICLE_REGION_SEGMENT = "vehicle_region_segment"
    TRAILER = "trailer"
    TRAILER_ASSOCIATION = "trailer_association"
    TRAILER_VEHICLE_ASSOCIATION = "trailer_vehicle_association"
    TRAILER_LOCATION = "trailer_location"
    TRAILER_STATUS = "trailer_status"
    WORKFLOW = "workflow"


class ResourceOperationTypeEnum(enum.StrEnum):
    """What a resource operation does to its record; the contract knows no deletion."""

    CREATE = "create"
    UPDATE = "update"


class IntegrationStatusEnum(enum.StrEnum):
    """Whether a resource of a TSP is read."""

    IMPLEMENTED = "implemented"
    NOT_IMPLEMENTED = "not_implemented"
    NOT_SUPPORTED = "not_supported"


class ResourceOperationStatusEnum(enum.StrEnum):
    """State of a resource operation as the partner sees it."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILED = "failed"


class ResourceOperationLogStatusEnum(enum.StrEnum):
    """Result of one attempt."""

    SUCCESS = "success"
    FAILED = "failed"


class ResourceOperationErrorTypeEnum(enum.StrEnum):
    """Why an attempt failed: login, refused content, no connection, or a fault of the TSP."""

    AUTH = "auth"
    VALIDATION = "validation"
    NETWORK = "network"
    TSP = "tsp"


class ConnectionStatusEnum(enum.StrEnum):
    """State of a fleet's account at a TSP."""

    ACTIVE = "active"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    STALE = "stale"
    DELETED = "deleted"


class ScheduleStatusEnum(enum.StrEnum):
    """Whether a connection's records of one resource are pulled."""

    INACTIVE = "inactive"
    ACTIVE = "active"
    PAUSED = "paused"
    STALE = "stale"
    DELETED = "deleted"
    CANCELLED = "cancelled"
    CANCELLED_INSUFFICIENT_SCOPE = "cancelled_insufficient_scope"


class ExecutionStatusEnum(enum.StrEnum):
    """How far one run of a schedule has come."""

    FAILED = "failed"
    PENDING = "pending"
    SCHEDULED = "scheduled"
    SUCCESS = "success"


class StatusEnum(enum.StrEnum):
    """The status of whatever an event is about."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    PAUSED = "paused"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    PENDING = "pending"
    DELETED = "deleted"
    STALE = "stale"
    SUCCESS = "success"
    FAILED = "failed"
    SCHEDULED = "scheduled"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class VehicleStatusEnum(enum.StrEnum):
    """Operational status of a vehicle in a write; reads carry a free string."""

    IN_SERVICE = "IN_SERVICE"
    OUT_OF_SERVICE = "OUT_OF_SERVICE"
    IN_REPAIR = "IN_REPAIR"
    IN_TRANSIT = "IN_TRANSIT"
    IN_USE = "IN_USE"
    IN_STORAGE = "IN_STORAGE"
    STANDING = "STANDING"
    SPARE = "SPARE"


class EngineType(enum.StrEnum):
    """Engine of a vehicle, and fuel of a purchase."""

    GASOLINE = "GASOLINE"
    DIESEL = "DIESEL"
    ETHANOL = "ETHANOL"
    METHANOL = "METHANOL"
    PROPANE = "PROPANE"
    LPG = "LPG"
    CNG = "CNG"
    LNG = "LNG"
    HYDROGEN = "HYDROGEN"
    ELECTRICITY = "ELECTRICITY"
    HYBRID = "HYBRID"


class UserStatusEnum(enum.StrEnum):
    """Account status of a user in a write; reads carry a free string."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class HosComplianceTypeEnum(enum.StrEnum):
    """Whether a driver falls under hours-of-service rules."""

    EXEMPT = "exempt"
    NON_EXEMPT = "non_exempt"


class HosTrackingMethodEnum(enum.StrEnum):
    """How hours of service are recorded."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"


class MessagePriorityEnum(enum.StrEnum):
    """Urgency of a message; it never comes back on reads."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class MessageStatusEnum(enum.StrEnum):
    """How far a message has come."""

    READ = "read"
    SENT = "sent"
    DELIVERED = "delivered"
    PENDING = "pending"


class DvirLogTypeEnum(enum.StrEnum):
    """Occasion of a vehicle inspection."""

    PRE_TRIP = "pre_trip"
    POST_TRIP = "post_trip"
    MECHANIC = "mechanic"
    UNKNOWN = "unknown"


class DistanceUnitEnum(enum.StrEnum):
    """Unit of an odometer in a write."""

    MILES = "miles"
    METERS = "meters"
    KILO_METERS = "kilo_meters"


class DistanceUnit(enum.StrEnum):
    """Unit of distances in reads: metres only."""

    M = "m"


class FuelVolumeUnitEnum(enum.StrEnum):
    """Unit of a purchased fuel volume."""

    CUBIC_METER = "CUBIC_METER"
    LITER = "LITER"
    US_GALLON = "US_GALLON"
    IMPERIAL_GALLON = "IMPERIAL_GALLON"


class SortOrder(enum.StrEnum):
    """Direction of a sorted list."""

    ASC = "asc"
    DESC = "desc"


class DvirDefectEnum(enum.StrEnum):
    """What an inspection found defective."""

    FLUID_LEVELS = "fluid_levels"
    BATTERY = "battery"
    BELTS_HOSES = "belts_hoses"
    RADIATOR = "radiator"
    FRAME_ASSEMBLY = "frame_assembly"
    FRONT_AXLE = "front_axle"
    STARTER = "starter"
    TRANSMISSION = "transmission"
    OIL_PRESSURE = "oil_pressure"
    DEFROSTER_HEATER = "defroster_heater"
    LIGHTS_FRONT = "lights_front"
    WINDSHIELD_CLEAN = "windshield_clean"
    WINDSHIELD_WIPER_FLUID = "windshield_wiper_fluid"
    WINDSHIELD_WIPERS = "windshield_wipers"
    BRAKES = "brakes"
    BRAKE_CHECK = "brake_check"
    CLUTCH = "clutch"
    MIRRORS = "mirrors"
    HORN = "horn"
    SAFETY_EQUIPMENT = "safety_equipment"
    TRIP_RECORDER = "trip_recorder"
    AIR_CONDITIONER = "air_conditioner"
    DOORS = "doors"
    STOP_ARM_CONTROL = "stop_arm_control"
    STEERING_WHEEL = "steering_wheel"
    EMERGENCY_DOOR_BUZZER = "emergency_door_buzzer"
    ENTRANCE_STEPS = "entrance_steps"
    INTERIOR_FLOOR = "interior_floor"
    WINDOWS = "windows"
    EXHAUST = "exhaust"
    FIFTH_WHEEL = "fifth_wheel"
    LANDING_GEAR = "landing_gear"
    SUSPENSION = "suspension"
    ALIGNMENT = "alignment"
    RIMS = "rims"
    TIRES = "tires"
    TIRE_CHAINS = "tire_chains"
    STOP_ARM = "stop_arm"
    MUFFLER = "muffler"
    ROOF = "roof"
    WHEELS = "wheels"
    WHEELS_RIMS = "wheels_rims"
    SUSPENSION_UNDER = "suspension_under"
    SCRATCHES = "scratches"
    AIR_COMPRESSOR = "air_compressor"
    AIR_LINES = "air_lines"
    BRAKE_CONNECTIONS = "brake_connections"
    COUPLING_DEVICES = "coupling_devices"
    REFLECTORS = "reflectors"
    LIGHTS_REAR = "lights_rear"
    REAR_END = "rear_end"
    TIRE_CHAINS_REAR = "tire_chains_rear"
    BRAKE_ACCESSORIES = "brake_accessories"
    DRIVE_LINE = "drive_line"
    ENGINE = "engine"
    FUEL_TANKS = "fuel_tanks"
    LIGHTS_GENERAL = "lights_general"
    OTHER = "other"
    UNSET = "unset"
    FIRST_AID_KIT = "first_aid_kit"
