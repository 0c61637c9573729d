"""Errors of the homeserver, as exact as it told them, and at the same time errors of `core.errors`."""

from collections.abc import Mapping
from typing import Any

from welink_desktop.core.errors import (
    AccountLocked,
    NotAllowed,
    NotFound,
    SignedOut,
    TooLarge,
    TooManyAttempts,
    WeLinkError,
)


class MatrixError(WeLinkError):
    """The server refused with an `errcode` (client-server API, "Standard error response"). `body` is the whole answer.

    Subclasses are also errors in the user's terms, so that a port may let them pass.
    """

    errcode: str = ""
    status: int = 0
    body: Mapping[str, Any] = {}

    @property
    def permanent(self) -> bool:
        """Repeating the same request is pointless."""
        return self.errcode != "M_LIMIT_EXCEEDED"


class Refused(MatrixError, NotAllowed):
    """403."""


class Missing(MatrixError, NotFound):
    """404."""


class Oversized(MatrixError, TooLarge):
    """413, M_TOO_LARGE."""


class Limited(MatrixError, TooManyAttempts):
    """429: try again in `seconds`."""

    seconds: float = 1.0


class TokenDead(MatrixError, SignedOut):
    """401 M_UNKNOWN_TOKEN that refreshing did not cure. `soft`: the device still exists, a new sign-in keeps it."""

    soft: bool = False


class Locked(MatrixError, AccountLocked):
    """M_USER_LOCKED, M_USER_SUSPENDED, M_USER_DEACTIVATED."""


def matrix_error(status: int, body: Mapping[str, Any], retry_after: str | None = None) -> MatrixError:
    """The fitting class for an error answer. `retry_after` is the header, used if the body has no `retry_after_ms`."""
    errcode = body.get("errcode")
    errcode = errcode if isinstance(errcode, str) else "M_UNKNOWN"
    error = _chosen(status, errcode, body, retry_after)
    error.errcode, error.status, error.body = errcode, status, body
    return error


def _chosen(status: int, errcode: str, body: Mapping[str, Any], retry_after: str | None) -> MatrixError:
    detail = f"{status} {errcode}"
    if errcode == "M_LIMIT_EXCEEDED" or status == 429:
        seconds = _seconds(body.get("retry_after_ms"), retry_after)
        limited = Limited(detail, seconds=max(1, round(seconds)))
        limited.seconds = seconds
        return limited
    if errcode in ("M_USER_LOCKED", "M_USER_SUSPENDED", "M_USER_DEACTIVATED"):
        return Locked(detail)
    if status == 401 and errcode in ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"):
        dead = TokenDead(detail)
        dead.soft = body.get("soft_logout") is True
        return dead
    if status == 413 or errcode == "M_TOO_LARGE":
        return Oversized(detail)
    if status == 403:
        return Refused(detail)
    if status == 404:
        return Missing(detail)
    return MatrixError(detail)


def _seconds(milliseconds: object, header: str | None) -> float:
    if isinstance(milliseconds, (int, float)) and not isinstance(milliseconds, bool) and 0 <= milliseconds < 1e8:
        return milliseconds / 1000
    if header is not None and header.isdigit():
        return float(min(int(header), 100_000))
    return 1.0
