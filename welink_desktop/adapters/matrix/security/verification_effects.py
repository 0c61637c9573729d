"""What a finished verification proves becomes signatures and trust (matrix.md §8.6, §8.9 rule 19)."""

from welink_desktop.adapters.matrix.crypto.verification_records import Effects
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.security.identity import IdentityDriver
from welink_desktop.core.errors import IdentityChanged, ServerFault
from welink_desktop.core.security import PersonTrust


class VerificationEffects:
    """Call it with effects, as `Verifications` does."""

    def __init__(self, encryption: Encryption, identity: IdentityDriver) -> None:
        self._encryption = encryption
        self._identity = identity

    async def __call__(self, effects: Effects) -> None:
        """Raises `IdentityChanged` if the compared keys are not those known now, `ServerFault` if a signature is refused.

        Without a line to the server the signatures are kept and go later.
        """
        bodies = []
        with self._encryption.change():
            identities = self._encryption.identities
            if effects.trust_own_master is not None:
                identities.trust_own_master(effects.trust_own_master)
            if effects.sign_device is not None:
                bodies.append(identities.sign_own_device(effects.sign_device, effects.device_key))
            if effects.sign_user is not None:
                bodies.append(identities.sign_user(*effects.sign_user))
        for body in bodies:
            if body is not None:
                await self._identity.upload_signatures(body)
        self._check(effects)

    def _check(self, effects: Effects) -> None:
        identities = self._encryption.identities
        if effects.trust_own_master is not None and identities.own_master() != (effects.trust_own_master, True):
            raise IdentityChanged
        if effects.sign_user is not None and identities.trust_of(effects.sign_user[0]) is not PersonTrust.VERIFIED:
            raise IdentityChanged
        if effects.sign_device is not None and effects.other is not None:
            device = identities.device(*effects.other)
            if device is None or not identities.device_trusted(device):
                raise ServerFault("device not signed")
