"""What can go wrong, in the user's terms.

Adapters translate the errors of their library into these; services and view models match on them. `text` is what the
person reads: what happened, what it means, what can be done. No secret and no message text ever goes into an error.
"""

from typing import ClassVar

from welink_desktop.core.text import Text, TextArgument, spoken_size, text


class WeLinkError(Exception):
    """Base of all errors that reach a person. `text` is looked up in the catalogues."""

    key: ClassVar[str] = "error-unexpected"

    def __init__(self, detail: str = "", **args: TextArgument) -> None:
        super().__init__(detail or self.key)
        self.detail = detail
        self.args_for_text = args

    @property
    def text(self) -> Text:
        return text(self.key, **self.args_for_text)


class Offline(WeLinkError):
    """The server cannot be reached just now; trying again later may work. Nothing is lost."""

    key = "error-offline"


class ServerNotFound(WeLinkError):
    """The typed name leads to no host, or to a host without a homeserver. Args: `name`."""

    key = "error-server-not-found"


class NotAHomeserver(WeLinkError):
    """Something answers, but it does not speak the client-server API (or a captive portal does). Args: `name`."""

    key = "error-not-a-homeserver"


class CertificateRefused(WeLinkError):
    """TLS verification failed: unknown authority, wrong host name or expired. Args: `name`."""

    key = "error-certificate-refused"


class ServerFault(WeLinkError):
    """The server answered with an error of its own (5xx, broken answer) until the deadline."""

    key = "error-server-fault"


class WrongPassword(WeLinkError):
    """User name and password do not belong together (M_FORBIDDEN at login)."""

    key = "error-wrong-password"


class TooManyAttempts(WeLinkError):
    """Rate limited. Args: `seconds` until it makes sense to try again."""

    key = "error-too-many-attempts"


class SignInUnsupported(WeLinkError):
    """The server offers no sign-in way that this client has."""

    key = "error-sign-in-unsupported"


class SignedOut(WeLinkError):
    """This device was signed out by the server or from another device; the store is kept read-only.

    `soft`: the session merely ran out; signing in again (`Accounts.sign_in_again`) goes on with the same device.
    """

    key = "error-signed-out"
    soft: bool = False


class AccountLocked(WeLinkError):
    """The organisation locked or suspended the account; everything is kept, read-only."""

    key = "error-account-locked"


class NotAllowed(WeLinkError):
    """The server refuses: missing rights in the room."""

    key = "error-not-allowed"


class NotFound(WeLinkError):
    """The room, person, message or file does not exist or is not visible to this account."""

    key = "error-not-found"


class TooLarge(WeLinkError):
    """The file or message exceeds the server's limit. Args: `limit` in bytes, or in words; none if the server did not say."""

    key = "error-too-large"

    @property
    def text(self) -> Text:
        limit = self.args_for_text.get("limit")
        if limit is None:
            return text("error-too-large-for-server")
        return text(self.key, limit=spoken_size(limit) if isinstance(limit, int) else limit)


class EncryptionRefused(WeLinkError):
    """Sending would weaken a room's encryption (unknown algorithm, broken state). Nothing was sent."""

    key = "error-encryption-refused"


class FileDamaged(WeLinkError):
    """An attachment's hash or format is wrong; not a byte of it is shown."""

    key = "error-file-damaged"


class PasswordNeeded(WeLinkError):
    """The server wants the account's password before it does this."""

    key = "error-password-needed"


class ConfirmInBrowser(WeLinkError):
    """The server wants the person to confirm this on a web page of its own (single sign-on). `url` is https."""

    key = "error-confirm-in-browser"

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url


class WrongRecoveryKey(WeLinkError):
    """What was typed is no recovery key, or not the one of this account."""

    key = "error-wrong-recovery-key"


class WrongCode(WeLinkError):
    """A scanned code is not the one of this verification."""

    key = "error-wrong-code"


class IdentityChanged(WeLinkError):
    """Somebody's verified identity changed: nothing encrypted is sent to the room until a person decided. Args: `name`."""

    key = "error-identity-changed"


class HistoryNotShared(WeLinkError):
    """The invitation is out, but the keys of older messages could not be given along."""

    key = "error-history-not-shared"


class HistoryNotLoaded(WeLinkError):
    """The older messages that the inviter gave along could not be fetched, or cannot be believed."""

    key = "error-history-not-loaded"


class KeyringMissing(WeLinkError):
    """No OS keyring, or it is locked. The caller offers the choices of `SecretStorage`."""

    key = "error-keyring-missing"


class StoreKeyMissing(WeLinkError):
    """The store exists but its key is not in the keyring. The store is left untouched.

    `recoverable`: the account's recovery key opens it (`Accounts.recover_store`).
    """

    key = "error-store-key-missing"

    def __init__(self, detail: str = "", *, recoverable: bool = False) -> None:
        super().__init__(detail)
        self.recoverable = recoverable


class StoreDamaged(WeLinkError):
    """The store cannot be opened or repaired; it was moved aside, not deleted. Args: `path` (file name only)."""

    key = "error-store-damaged"


class StoreTooNew(WeLinkError):
    """The store was written by a newer version; opening it would lose data."""

    key = "error-store-too-new"


class ProfileInUse(WeLinkError):
    """Another process has this profile open."""

    key = "error-profile-in-use"


class DiskFull(WeLinkError):
    """No space or no permission to write in the profile folder."""

    key = "error-disk-full"


class NoMeetingService(WeLinkError):
    """The homeserver announces no meeting transport (MSC4143)."""

    key = "error-no-meeting-service"


class MeetingTokenRefused(WeLinkError):
    """The token service is down or refused this account."""

    key = "error-meeting-token"


class MeetingServerUnreachable(WeLinkError):
    """The SFU does not answer."""

    key = "error-meeting-server"


class MediaEngineFailed(WeLinkError):
    """The media process could not be started or died too often."""

    key = "error-media-engine"


class DeviceUnavailable(WeLinkError):
    """Camera, microphone or speaker is missing, busy or refused. Args: `device`."""

    key = "error-device-unavailable"


class EvaluationFailed(WeLinkError):
    """A part of the evaluation backend did not start. Args: `part`, `reason`."""

    key = "error-evaluation"
