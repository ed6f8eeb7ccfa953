"""The one place that decides whether the lanes of a connection send: its status, and the operator's word."""

from uuid import UUID

from fleetwrite.connections import store
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit import database


async def hold_or_release(dispatch: Dispatch, connection: database.Connection, connection_id: UUID) -> None:
    """Let the lanes of a connection send if it is active and the operator has not paused its provider; else hold them.

    To be called, in the same transaction, after whatever may have changed that.
    """
    if await store.is_sending(connection, connection_id):
        await dispatch.release(connection, connection_id)
    else:
        await dispatch.hold(connection, connection_id)
