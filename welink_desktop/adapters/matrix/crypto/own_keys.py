"""The private keys of our identity: made, kept, taken over. What is published decides whether they count (matrix.md §8.6)."""

from collections.abc import Mapping

from welink_desktop.adapters.matrix.crypto.account import OwnAccount
from welink_desktop.adapters.matrix.crypto.records import JsonObject
from welink_desktop.adapters.matrix.crypto.signing import SigningKey, key_object
from welink_desktop.adapters.matrix.crypto.store import IdentityStore
from welink_desktop.adapters.matrix.crypto.trust import secret_fits

MASTER = "m.cross_signing.master"
SELF_SIGNING = "m.cross_signing.self_signing"
USER_SIGNING = "m.cross_signing.user_signing"
SECRET_NAMES = (MASTER, SELF_SIGNING, USER_SIGNING)


class OwnKeys:
    """`published` in the methods: the public keys that the server shows, by the name of the secret."""

    def __init__(self, account: OwnAccount, store: IdentityStore) -> None:
        self._account = account
        self._store = store
        self._keys = _keys_of(store.identity_secrets())

    @property
    def master(self) -> str:
        """The public half of the private master that we hold, "" if we hold none."""
        key = self._keys.get(MASTER)
        return "" if key is None else key.public

    @property
    def pending_master(self) -> str:
        """As `master`, of the keys that the server was not heard to have."""
        secrets = self._store.identity_secrets(pending=True)
        return SigningKey.from_secret(secrets[MASTER]).public if secrets else ""

    def held(self, published: Mapping[str, str]) -> dict[str, str]:
        """Seeds by name: those of the identity that is published now."""
        return {name: key.secret for name, key in self._keys.items() if self._fits(name, key, published)}

    def key(self, name: str, published: Mapping[str, str]) -> SigningKey | None:
        key = self._keys.get(name)
        return key if key is not None and self._fits(name, key, published) else None

    def take(self, secrets: Mapping[str, str], published: Mapping[str, str]) -> set[str]:
        """Keep those that fit; returns their names."""
        taken: set[str] = set()
        for name in SECRET_NAMES:
            try:
                key = SigningKey.from_secret(secrets.get(name))
            except ValueError:
                continue
            if self._fits(name, key, published):
                self._keys[name] = key
                taken.add(name)
        if taken:
            self._store.save_identity_secrets({name: key.secret for name, key in self._keys.items()})
        return taken

    def create(self) -> JsonObject:
        """New keys, kept as pending; the body of `keys/device_signing/upload`. Asked again before `promote`: the same."""
        secrets = self._store.identity_secrets(pending=True)
        if not secrets:
            secrets = {name: SigningKey.generate().secret for name in SECRET_NAMES}
            self._store.save_identity_secrets(secrets, pending=True)
        return self._body(_keys_of(secrets))

    def forget_pending(self) -> None:
        self._store.save_identity_secrets({}, pending=True)

    def promote(self) -> JsonObject | None:
        """The pending keys are ours now, the former ones are gone; returns what was uploaded, None if there are none."""
        secrets = self._store.identity_secrets(pending=True)
        if not secrets:
            return None
        self._store.save_identity_secrets(secrets)
        self.forget_pending()
        self._keys = _keys_of(secrets)
        return self._body(self._keys)

    def public(self, name: str) -> str:
        """Raises `KeyError` if we do not hold it."""
        return self._keys[name].public

    def _fits(self, name: str, key: SigningKey, published: Mapping[str, str]) -> bool:
        return secret_fits(public=key.public, published=published.get(name, ""))

    def _body(self, keys: Mapping[str, SigningKey]) -> JsonObject:
        user = self._account.user
        master, self_signing, user_signing = (keys[name] for name in SECRET_NAMES)
        return {
            "master_key": self._account.signed(key_object(user, "master", master.public)),
            "self_signing_key": master.signature(user, key_object(user, "self_signing", self_signing.public)),
            "user_signing_key": master.signature(user, key_object(user, "user_signing", user_signing.public)),
        }


def _keys_of(secrets: Mapping[str, str]) -> dict[str, SigningKey]:
    return {name: SigningKey.from_secret(secret) for name, secret in secrets.items()}
