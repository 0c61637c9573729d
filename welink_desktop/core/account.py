"""Accounts and the connection to their server."""

import enum
from dataclasses import dataclass

from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import AccountKey, DeviceId, UserId


@dataclass(frozen=True, slots=True)
class Homeserver:
    """A server that was found and speaks the client-server API. `base_url` ends without "/". `name` is its Matrix name.

    `organisation` is what it calls itself; `secure` is false only for plain http on this computer (evaluation).
    """

    name: str
    base_url: str
    password: bool = True
    sso: bool = False
    organisation: str = ""
    secure: bool = True
    evaluation: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """A signed-in account of this profile. No secrets here: tokens and keys stay in the keyring and the engine."""

    key: AccountKey
    user: UserId
    device: DeviceId
    server: Homeserver


class Link(enum.Enum):
    """CONNECTING: first contact. LIVE: sync runs. OFFLINE: no way to the server, trying. STOPPED: not running."""

    CONNECTING = "connecting"
    LIVE = "live"
    OFFLINE = "offline"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Connection:
    """`retry_at` is monotonic seconds of the next try while OFFLINE. `error` says what keeps us out for good."""

    link: Link
    retry_at: float | None = None
    error: WeLinkError | None = None


class SecretStorage(enum.Enum):
    """Where this profile keeps tokens and store keys: the OS keyring, or (chosen by the person) a file with mode 0600."""

    KEYRING = "keyring"
    FILE = "file"
