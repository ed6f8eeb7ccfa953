"""Ids of providers: the same on every installation, though nobody keeps a table of them."""

from functools import cache
from typing import Final
from uuid import UUID

from fleetwrite.kit.ids import derive_id

_NAMESPACE: Final = UUID("6b0f3c5e-5a3d-4b0e-9c1f-0f6e2d7a8b41")
"""Random, and never to be changed: partners keep the ids derived from it."""


@cache
def tsp_id(slug: str) -> UUID:
    """The contract's `tsp_id` of the provider whose connector has this slug."""
    return derive_id(_NAMESPACE, slug)
