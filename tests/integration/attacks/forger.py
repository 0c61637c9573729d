"""What an attacker has: devices, identities and sessions whose private keys are in his hands."""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import vodozemac

from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.crypto.canonical import decode, encode, signed_part
from welink_desktop.adapters.matrix.crypto.records import MEGOLM, OLM
from welink_desktop.adapters.matrix.crypto.signing import SigningKey, key_object
from welink_desktop.core.ids import UserId
from welink_desktop.evaluation.client import MatrixClient

Json = dict[str, Any]
ZEROS = encode(bytes(32))


@dataclass(frozen=True)
class Target:
    """Whom an attacker writes to. `claim` brings a one-time key from the server."""

    user: str
    device: str
    curve: str
    ed: str
    claim: Callable[[str, str], str]


class Forged:
    """A device. `curve`: another Curve25519 key than its own may be claimed."""

    def __init__(self, user: str, device: str = "", *, curve: str = "") -> None:
        self.user = user
        self.device = device or "EVIL" + secrets.token_hex(3).upper()
        self.account = vodozemac.Account()
        self.curve = curve or self.account.curve25519_key.to_base64()
        self.ed = self.account.ed25519_key.to_base64()
        self._sessions: dict[str, Any] = {}

    def sign(self, value: Json) -> Json:
        signature = self.account.sign(signed_part(value)).to_base64()
        signatures = {**value.get("signatures", {})}
        signatures[self.user] = {**signatures.get(self.user, {}), f"ed25519:{self.device}": signature}
        return {**value, "signatures": signatures}

    def keys(self, *, signer: SigningKey | None = None, **changes: Any) -> Json:
        """The device object with its own signature; `signer`: a self-signing key that signs it, too."""
        value: Json = {
            "user_id": self.user,
            "device_id": self.device,
            "algorithms": [OLM, MEGOLM],
            "keys": {f"curve25519:{self.device}": self.curve, f"ed25519:{self.device}": self.ed},
            **changes,
        }
        signed = self.sign(value)
        if signer is not None:
            signed["signatures"][self.user][f"ed25519:{signer.public}"] = signer.sign(signed_part(value))
        return signed

    def one_time_key(self) -> Json:
        """`{"signed_curve25519:ID": …}`, signed."""
        self.account.generate_one_time_keys(1)
        ((key_id, key),) = self.account.one_time_keys.items()
        self.account.mark_keys_as_published()
        return {f"signed_curve25519:{key_id}": self.sign({"key": key.to_base64()})}

    def publish(self, client: MatrixClient, count: int = 3) -> None:
        """As a lawful device does."""
        one_time: Json = {}
        for _ in range(count):
            one_time |= self.one_time_key()
        body = {"device_keys": self.keys(), **({"one_time_keys": one_time} if one_time else {})}
        client.call("POST", "client", "v3", "keys", "upload", body=body)

    def session(self, target: Target, key: str = "") -> Any:
        """A new Olm session with `target`; `key`: a one-time key that the attacker knows already."""
        self._sessions[target.curve] = self.account.create_outbound_session(
            vodozemac.Curve25519PublicKey.from_base64(target.curve),
            vodozemac.Curve25519PublicKey.from_base64(key or target.claim(target.user, target.device)),
        )
        return self._sessions[target.curve]

    def letter(
        self, target: Target, kind: str, content: Json, *, as_user: str = "", sender_key: str = "", **changes: Any
    ) -> Json:
        """A to-device event. `as_user`: its sender as the server shows it; `changes`: other fields in the sealed part."""
        session = self._sessions.get(target.curve) or self.session(target)
        plain = {
            "type": kind,
            "content": content,
            "sender": self.user,
            "recipient": target.user,
            "recipient_keys": {"ed25519": target.ed},
            "keys": {"ed25519": self.ed},
            "sender_device_keys": self.keys(),
            **changes,
        }
        number, body = session.encrypt(json.dumps(plain).encode()).to_parts()
        sealed = {"algorithm": OLM, "sender_key": sender_key or self.curve}
        return {
            "type": "m.room.encrypted",
            "sender": as_user or self.user,
            "content": {**sealed, "ciphertext": {target.curve: {"type": number, "body": encode(body)}}},
        }

    def open(self, sealed: Json) -> Json:
        """What was sealed for this device."""
        part = sealed["ciphertext"][self.curve]
        message = vodozemac.AnyOlmMessage.from_parts(part["type"], decode(part["body"]))
        sender = sealed["sender_key"]
        if sender not in self._sessions:
            identity = vodozemac.Curve25519PublicKey.from_base64(sender)
            first = message.to_pre_key()
            assert first is not None
            self._sessions[sender], plain = self.account.create_inbound_session(identity, first)
        else:
            plain = self._sessions[sender].decrypt(message)
        opened: Json = json.loads(plain)
        return opened


class Foe:
    """An account at the real server with one device and an identity. The attacker holds every key of it."""

    def __init__(self, synapse: TestSynapse, name: str, *, identity: bool = True) -> None:
        self.registered = synapse.register(name)
        self.user = self.registered.user_id
        self.client = synapse.client(self.registered)
        self.device = Forged(self.user, self.registered.device_id)
        self.device.publish(self.client)
        self.master, self.self_signing, self.user_signing = (SigningKey.generate() for _ in range(3))
        if identity:
            self.client.call("POST", "client", "v3", "keys", "device_signing", "upload", body=self.identity())
            signed = self.self_signing.signature(UserId(self.user), self.device.keys())
            body = {self.user: {self.device.device: signed}}
            self.client.call("POST", "client", "v3", "keys", "signatures", "upload", body=body)

    def identity(self) -> Json:
        return identity_of(self.user, self.master, self.self_signing, self.user_signing)

    def claim(self, user: str, device: str) -> str:
        """One of somebody's one-time keys."""
        body = {"one_time_keys": {user: {device: "signed_curve25519"}}}
        answer = self.client.call("POST", "client", "v3", "keys", "claim", body=body)
        ((_, value),) = answer["one_time_keys"][user][device].items()
        return str(value["key"])


def identity_of(user: str, master: SigningKey, self_signing: SigningKey, user_signing: SigningKey) -> Json:
    """Body of `device_signing/upload`: the other two signed by the master."""
    who = UserId(user)
    return {
        "master_key": key_object(who, "master", master.public),
        "self_signing_key": master.signature(who, key_object(who, "self_signing", self_signing.public)),
        "user_signing_key": master.signature(who, key_object(who, "user_signing", user_signing.public)),
    }


def forged_identity(user: str) -> tuple[SigningKey, SigningKey, Json]:
    """Another identity for somebody: master, self-signing key, and the three objects."""
    master, self_signing, user_signing = (SigningKey.generate() for _ in range(3))
    return master, self_signing, identity_of(user, master, self_signing, user_signing)


class Megolm:
    """A room session of the attacker."""

    def __init__(self) -> None:
        self._out = vodozemac.GroupSession()
        self.id = self._out.session_id
        self.key = self._out.session_key.to_base64()

    def room_key(self, room: str, **changes: Any) -> Json:
        content = {"algorithm": MEGOLM, "room_id": room, "session_id": self.id, "session_key": self.key}
        return {**content, **changes}

    def exported(self, room: str, device: Forged, **changes: Any) -> Json:
        """The session in the export format."""
        first = vodozemac.InboundGroupSession(vodozemac.SessionKey(self.key)).export_at(0)
        assert first is not None
        return {
            "algorithm": MEGOLM,
            "room_id": room,
            "session_id": self.id,
            "session_key": first.to_base64(),
            "sender_key": device.curve,
            "sender_claimed_keys": {"ed25519": device.ed},
            "forwarding_curve25519_key_chain": [],
            **changes,
        }

    def seal(self, room: str, content: Json, kind: str = "m.room.message", **changes: Any) -> str:
        inner = {"type": kind, "content": content, "room_id": room, **changes}
        return str(self._out.encrypt(json.dumps(inner).encode()).to_base64())

    def event(
        self, foe_user: str, device: Forged, room: str, body: str | Json, kind: str = "m.room.message", **inner: Any
    ) -> Json:
        """An encrypted room event; `inner`: other fields in the sealed part."""
        content = {"msgtype": "m.text", "body": body} if isinstance(body, str) else body
        relation = {"m.relates_to": content["m.relates_to"]} if "m.relates_to" in content else {}
        outer = {
            "algorithm": MEGOLM,
            "session_id": self.id,
            "sender_key": device.curve,
            "device_id": device.device,
            "ciphertext": self.seal(room, content, kind, **inner),
            **relation,
        }
        return room_event(foe_user, "m.room.encrypted", outer)


def room_event(sender: str, kind: str, content: Json, **more: Any) -> Json:
    """An event as the server shows it, under a new id."""
    return {
        "event_id": "$" + secrets.token_urlsafe(32),
        "sender": sender,
        "type": kind,
        "content": content,
        "origin_server_ts": int(time.time() * 1000),
        **more,
    }
