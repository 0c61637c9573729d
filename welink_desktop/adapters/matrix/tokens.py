"""Access and refresh token of one device (matrix.md §1.3)."""

from collections.abc import Callable
from dataclasses import dataclass

from welink_desktop.adapters.matrix.wire.values import Json
from welink_desktop.core.errors import ServerFault


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """`expires_at_ms` (wall clock) and `lifetime_ms` are 0 for a token that never expires. Secret: no repr."""

    access: str
    refresh: str = ""
    expires_at_ms: int = 0
    lifetime_ms: int = 0

    def __repr__(self) -> str:
        return "Tokens(…)"

    def due(self, now_ms: int) -> bool:
        """Whether 80 % of the lifetime have passed."""
        return bool(self.refresh) and self.expires_at_ms > 0 and now_ms >= self.expires_at_ms - self.lifetime_ms // 5


class TokenKeeper:
    """Holds the tokens of one account; `keep` makes new ones durable (blocking) before they are used."""

    def __init__(self, tokens: Tokens | None, keep: Callable[[Tokens], None]) -> None:
        self.tokens = tokens
        self.keep = keep


def tokens_from(answer: Json, now_ms: int, old_refresh: str = "") -> Tokens:
    """Tokens of a login or refresh answer. Raises `ServerFault` if there is none."""
    access = answer.get("access_token")
    if not isinstance(access, str) or not access:
        raise ServerFault("no access token in the answer")
    refresh = answer.get("refresh_token")
    lifetime = answer.get("expires_in_ms")
    lifetime = lifetime if isinstance(lifetime, int) and 0 < lifetime < 1 << 45 else 0
    return Tokens(access, refresh if isinstance(refresh, str) else old_refresh, now_ms + lifetime if lifetime else 0, lifetime)
