"""A self-hosted write gateway to telematics service providers."""

__version__ = "0.1.0"
