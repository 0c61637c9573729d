"""What heals sessions: secrets and keys from own devices, history from inviters. Made and wired in one go."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from welink_desktop.adapters.matrix.encryption import Encryption, RoomFacts
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.security.bundles import HistoryBundles
from welink_desktop.adapters.matrix.security.forwarding import KeySharing
from welink_desktop.adapters.matrix.security.gossip import SecretGossip
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.core.clock import Clock
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.trust import Undecryptable


@dataclass(frozen=True, slots=True)
class HealingParts:
    """What the three are made of. `secret_of`, `take_secret`: as in `SecretGossip`. `backup_helps`: as in `KeySharing`.
    `before_build`: as in `HistoryBundles`.
    """

    encryption: Encryption
    database: Database
    http: Http
    rooms: RoomFacts
    clock: Clock
    scope: Scope
    user: UserId
    device: DeviceId
    secret_of: Callable[[str], str | None]
    take_secret: Callable[[str, str], Awaitable[bool]]
    backup_helps: Callable[[], bool] = lambda: False
    before_build: Callable[[RoomId], Awaitable[None]] | None = None


class Healing:
    """`start` it after `Encryption`; let `missing` and `keys_came` hear what their names say.

    `bundles.share` and `bundles.invite_accepted` belong to `RoomAdministration`.
    """

    def __init__(self, parts: HealingParts) -> None:
        encryption, database, clock, scope = parts.encryption, parts.database, parts.clock, parts.scope
        user, device = parts.user, parts.device
        self.gossip = SecretGossip(
            encryption, database, clock, scope, user=user, device=device, secret_of=parts.secret_of, take_secret=parts.take_secret
        )
        self.keys = KeySharing(encryption, database, clock, scope, user=user, device=device, backup_helps=parts.backup_helps)
        self.bundles = HistoryBundles(
            encryption,
            database,
            parts.http,
            parts.rooms,
            clock,
            scope,
            user=user,
            device=device,
            before_build=parts.before_build,
        )

    def start(self) -> None:
        self.gossip.start()
        self.keys.start()
        self.bundles.start()

    def missing(self, room: RoomId, session: str, why: Undecryptable) -> None:
        """For `Encryption.on_missing`, beside the backup's."""
        self.keys.missing(room, session, why)

    def keys_came(self, keys: Sequence[tuple[RoomId, str]]) -> None:
        """After `Encryption.on_room_keys` did its work."""
        self.keys.keys_came(keys)
