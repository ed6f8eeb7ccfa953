"""What a token of Traccar says of itself: whose it is stands in it, signed and not encrypted."""

import base64
import binascii

import msgspec


class _Content(msgspec.Struct):
    user_id: int = msgspec.field(name="u")


def user_of(token: str) -> int | None:
    """The id of the user whom a token belongs to; None where it is none of Traccar's form.

    Only a server that accepts the token has vouched for it: the signature is not checked here.
    """
    try:
        signed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        # The length of the signature, the signature, the content.
        return msgspec.json.decode(signed[1 + signed[0] :], type=_Content).user_id
    except (binascii.Error, ValueError, IndexError, msgspec.DecodeError):
        return None
