"""How Wialon refuses, and how it looks at parameters."""

from typing import Any

from fleetwrite.connectors.sdk.simulator import RefusalError

Params = dict[str, Any]


class WialonError(RefusalError):
    """A refusal in Wialon's own way: an error code in an answer with HTTP status 200."""

    def __init__(self, code: int, reason: str = "") -> None:
        """Keep the code and the reason for the answer."""
        super().__init__(200, reason or f"error {code}")
        self.code = code
        self.reason = reason

    @property
    def document(self) -> dict[str, Any]:
        """The answer's body."""
        return {"error": self.code, "reason": self.reason} if self.reason else {"error": self.code}


def number(params: Params, name: str, default: int | None = None) -> int:
    """Return a whole number."""
    value = params.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise WialonError(4, f"VALIDATE_PARAMS_ERROR: {{{name}: long}}")
    return value


def decimal(params: Params, name: str) -> float:
    """Return any number."""
    value = params.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WialonError(4, f"VALIDATE_PARAMS_ERROR: {{{name}: double}}")
    return value


def text(params: Params, name: str) -> str:
    """Return a text."""
    value = params.get(name)
    if not isinstance(value, str):
        raise WialonError(4, f"VALIDATE_PARAMS_ERROR: {{{name}: text}}")
    return value


def item_name(params: Params) -> str:
    """Return the name of a unit: 4 to 50 characters."""
    name = text(params, "name")
    if not 4 <= len(name) <= 50:
        raise WialonError(4, "VALIDATE_PARAMS_ERROR: {name: 4 to 50 characters}")
    return name
