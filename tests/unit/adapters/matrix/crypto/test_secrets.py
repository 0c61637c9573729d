"""Recovery key, secret storage and sealed backup sessions: vectors of matrix.md §10, and what must be refused."""

import hashlib
import hmac
import json
from typing import Any

import pytest
import vodozemac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.adapters.matrix.crypto import recovery_key, secret_storage
from welink_desktop.adapters.matrix.crypto.backup import ALGORITHM, BackupKey, BackupLock, public_key_of
from welink_desktop.adapters.matrix.crypto.canonical import decode, encode
from welink_desktop.adapters.matrix.crypto.secret_storage import KeyDescription

KEY = bytes(range(32))
RECOVERY_KEY = "EsSz ykH7 LCZx 7Cae cmKD wcmY JRXi Ybtu 8iQ3 t8Ez nRwK pUY1"
DESCRIPTION = {
    "algorithm": "m.secret_storage.v1.aes-hmac-sha2",
    "iv": "AAAAAAAAAAAAAAAAAAAAAA",
    "mac": "Gv+0yDqPNdj9zSgvL1FUew0ODALBHY/PO5cLnkGX55w",
}
MASTER = "m.cross_signing.master"
SECRET = "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM"
SEALED = {
    "iv": "EBESExQVFhcYGRobHB0eHw",
    "ciphertext": "BtYves7pDZBwKZ75OFgpf38RtBNA4WPOETs2qAxYuwOTSnCTDM1piV6bUg",
    "mac": "W1fcWk+UMn7LtUQ+WZI4fLtKWbHqeI5Wkx68ZSwlBvk",
}
PASSPHRASE = {"algorithm": "m.pbkdf2", "salt": "wRJTaTqCSZ5g", "iterations": 500000, "bits": 256}

PRIVATE = bytes(range(1, 33))
PUBLIC = "B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw"
PLAIN = (
    '{"algorithm": "m.megolm.v1.aes-sha2", "sender_key": "SK", "sender_claimed_keys": {"ed25519": "EK"}, '
    '"session_key": "AQ", "forwarding_curve25519_key_chain": []}'
)
SESSION_DATA = {
    "ephemeral": "WGmv9FBUlzLLqu1eXfmzCm2jHLDldCutWtShp2jxpns",
    "ciphertext": (
        "rKp7oZkQ1ophZhbqcBfNWkNj1zxyj3766dGnbNdwkTkwzBGdVztt+Ju+basSC1z5NyB2VofR9az9zpSwdbA3AHTu1V2nWFK/20jCWgzWMYvWk+9f4Kh"
        "GKO+g1R668fFeLDMTajaRJfg4Tf86vvxgUWX30Uwgt9kl7Zh957INW1piA5bbIxJGBOykFkH6ZqWf1Jk5Tk3nmq/yaWuKkRNE/w"
    ),
    "mac": "eULc5KBJwwU",
}


def test_recovery_key_is_the_one_of_the_vector() -> None:
    assert recovery_key.encode(KEY) == RECOVERY_KEY
    assert recovery_key.decode(RECOVERY_KEY) == KEY


@pytest.mark.parametrize("typed", [RECOVERY_KEY.replace(" ", ""), f"\n {RECOVERY_KEY}\t", RECOVERY_KEY.replace(" ", "\u3000")])
def test_white_space_of_a_typed_key_does_not_count(typed: str) -> None:
    assert recovery_key.decode(typed) == KEY


@pytest.mark.parametrize(
    "typed",
    ["", " ", "0OIl", RECOVERY_KEY[:-1], RECOVERY_KEY + "1", "1" + RECOVERY_KEY, RECOVERY_KEY.lower(), "z" * 100_000, "钥匙"],
)
def test_what_is_no_recovery_key_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="no recovery key"):
        recovery_key.decode(typed)


def test_a_wrong_parity_or_prefix_is_refused() -> None:
    right = b"\x8b\x01" + KEY
    parity = 0
    for byte in right:
        parity ^= byte
    assert recovery_key.decode(recovery_key._base58(right + bytes([parity]))) == KEY
    for wrong in (right + bytes([parity ^ 1]), b"\x8b\x02" + KEY + bytes([parity ^ 3]), right[:-1] + bytes([parity ^ right[-1]])):
        with pytest.raises(ValueError, match="no recovery key"):
            recovery_key.decode(recovery_key._base58(wrong))


@pytest.mark.parametrize("place", range(0, 48, 5))
def test_a_mistyped_letter_is_noticed(place: int) -> None:
    bare = RECOVERY_KEY.replace(" ", "")
    wrong = bare[:place] + ("2" if bare[place] != "2" else "3") + bare[place + 1 :]
    with pytest.raises(ValueError, match="no recovery key"):
        recovery_key.decode(wrong)


@given(st.binary(min_size=32, max_size=32))
def test_every_key_comes_back(key: bytes) -> None:
    assert recovery_key.decode(recovery_key.encode(key)) == key


def test_a_passphrase_gives_the_key_of_the_vector() -> None:
    key = recovery_key.from_passphrase("correct horse 电池", "wRJTaTqCSZ5g", 500_000)
    assert encode(key) == "s4ht5rbB/muR7UZlC/c+J71QXvlm2I0hSoTS/xujLw0"


@pytest.mark.parametrize("rounds", [0, -1, 1, 99_999, 10_000_001, 2**31])
def test_rounds_out_of_bounds_are_refused(rounds: int) -> None:
    with pytest.raises(ValueError, match="out of bounds"):
        recovery_key.from_passphrase("pass", "salt", rounds)


def test_the_key_check_is_the_one_of_the_vector() -> None:
    description = KeyDescription.parse("id", DESCRIPTION)
    assert secret_storage.check(KEY, description)
    assert description.content == DESCRIPTION
    assert not secret_storage.check(bytes(32), description)
    assert not secret_storage.check(b"", description)


def test_a_secret_is_sealed_as_in_the_vector() -> None:
    assert secret_storage.encrypt_with(KEY, MASTER, SECRET, bytes(range(16, 32))) == SEALED
    assert secret_storage.decrypt(KEY, MASTER, SEALED) == SECRET


@pytest.mark.parametrize(
    ("key", "name", "changes"),
    [
        (KEY, "m.cross_signing.self_signing", {}),
        (bytes(32), MASTER, {}),
        (KEY[:-1], MASTER, {}),
        (KEY, MASTER, {"mac": "A" * 43}),
        (KEY, MASTER, {"mac": ""}),
        (KEY, MASTER, {"mac": SEALED["mac"][:20]}),
        (KEY, MASTER, {"mac": None}),
        (KEY, MASTER, {"ciphertext": "C" + SEALED["ciphertext"][1:]}),
        (KEY, MASTER, {"ciphertext": ""}),
        (KEY, MASTER, {"ciphertext": "%"}),
        (KEY, MASTER, {"iv": "AAAA"}),
        (KEY, MASTER, {"iv": 7}),
    ],
)
def test_a_secret_that_is_not_exactly_ours_is_refused(key: bytes, name: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        secret_storage.decrypt(key, name, {**SEALED, **changes})


def test_padded_base64_of_others_is_read() -> None:
    padded = {name: text + "=" * (-len(text) % 4) for name, text in SEALED.items()}
    assert secret_storage.decrypt(KEY, MASTER, padded) == SECRET


@pytest.mark.parametrize("sealed", [None, "text", [], 1, {}])
def test_what_is_no_sealed_secret_is_refused(sealed: object) -> None:
    with pytest.raises(ValueError):
        secret_storage.decrypt(KEY, MASTER, sealed)


def test_new_keys_differ_and_check() -> None:
    first, described = secret_storage.new_key()
    second, other = secret_storage.new_key()
    assert first != second
    assert described.key_id != other.key_id
    assert secret_storage.check(first, described)
    assert not secret_storage.check(second, described)
    assert described.passphrase is None


def test_a_key_from_a_passphrase_says_how_it_is_made() -> None:
    key, described = secret_storage.new_key("电池 staple")
    again = KeyDescription.parse(described.key_id, json.loads(json.dumps(described.content)))
    assert again == described
    assert again.passphrase is not None
    assert recovery_key.from_passphrase("电池 staple", again.passphrase.salt, again.passphrase.rounds) == key


def test_ivs_have_a_clear_bit_for_platforms_that_count_in_64_bits() -> None:
    for _ in range(50):
        assert decode(secret_storage.encrypt(KEY, MASTER, SECRET)["iv"])[8] < 0x80


@pytest.mark.parametrize(
    "changes",
    [{"algorithm": "m.secret_storage.v1.curve25519"}, {"iv": None}, {"mac": None}, {"mac": "AAAA"}, {"iv": "AAAA"}, {"iv": "%"}],
)
def test_descriptions_without_a_check_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        KeyDescription.parse("id", {**DESCRIPTION, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"iterations": 99_999},
        {"iterations": 10_000_001},
        {"iterations": "500000"},
        {"iterations": True},
        {"salt": 1},
        {"bits": 512},
        {"algorithm": "m.scrypt"},
    ],
)
def test_a_weak_or_strange_passphrase_rule_of_the_server_is_not_used(changes: dict[str, Any]) -> None:
    described = KeyDescription.parse("id", {**DESCRIPTION, "passphrase": {**PASSPHRASE, **changes}})
    assert described.passphrase is None


def test_a_backup_session_of_the_vector_opens() -> None:
    key = BackupKey(PRIVATE)
    assert key.public == PUBLIC
    assert key.secret == encode(PRIVATE)
    assert key.open(SESSION_DATA) == json.loads(PLAIN)


def test_the_mac_of_a_backup_covers_the_empty_text() -> None:
    shared = X25519PrivateKey.from_private_bytes(PRIVATE).exchange(
        X25519PublicKey.from_public_bytes(decode(SESSION_DATA["ephemeral"]))
    )
    keys = HKDF(SHA256(), 80, salt=bytes(32), info=b"").derive(shared)
    assert encode(hmac.digest(keys[32:64], b"", hashlib.sha256)[:8]) == SESSION_DATA["mac"]
    over_ciphertext = hmac.digest(keys[32:64], decode(SESSION_DATA["ciphertext"]), hashlib.sha256)[:8]
    assert encode(over_ciphertext) == "fARtBzRlua8"


@pytest.mark.parametrize(
    "changes",
    [
        {"mac": "fARtBzRlua8"},
        {"mac": ""},
        {"mac": None},
        {"ephemeral": PUBLIC},
        {"ephemeral": encode(bytes(32))},
        {"ephemeral": "AAAA"},
        {"ciphertext": "AAAA"},
        {"ciphertext": ""},
        {"ciphertext": 5},
        {"ciphertext": "A" * 200_000},
    ],
)
def test_a_backup_session_that_is_not_ours_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        BackupKey(PRIVATE).open({**SESSION_DATA, **changes})


def test_another_private_key_opens_nothing() -> None:
    with pytest.raises(ValueError):
        BackupKey.generate().open(SESSION_DATA)


@pytest.mark.parametrize("plain", [b"[]", b"\xff", b"{", b"[" * 100_000])
def test_a_backup_session_that_is_no_object_is_refused(plain: bytes) -> None:
    key = BackupKey(PRIVATE)
    message = vodozemac.PkEncryption.from_key(vodozemac.Curve25519PublicKey.from_base64(PUBLIC)).encrypt(plain)
    with pytest.raises(ValueError):
        key.open(
            {"ciphertext": encode(message.ciphertext), "mac": encode(message.mac), "ephemeral": encode(message.ephemeral_key)}
        )


def test_what_we_seal_is_never_called_verified_and_comes_back() -> None:
    key = BackupKey.generate()
    session = {"algorithm": "m.megolm.v1.aes-sha2", "session_key": "AQ", "forwarding_curve25519_key_chain": ["a", "b"]}
    entry = BackupLock(key.public).entry(session, 7)
    assert {name: entry[name] for name in entry if name != "session_data"} == {
        "first_message_index": 7,
        "forwarded_count": 2,
        "is_verified": False,
    }
    assert key.open(entry["session_data"]) == session


def test_a_private_key_survives_as_text_and_does_not_show() -> None:
    key = BackupKey.generate()
    again = BackupKey.from_secret(key.secret + "=")
    assert (again.public, again.secret) == (key.public, key.secret)
    assert key.secret not in repr(key)
    for wrong in ("", "AAAA", key.secret[:-2], "%"):
        with pytest.raises(ValueError):
            BackupKey.from_secret(wrong)


@pytest.mark.parametrize(
    "version",
    [
        {},
        {"algorithm": "m.megolm_backup.v2", "auth_data": {"public_key": PUBLIC}},
        {"algorithm": ALGORITHM},
        {"algorithm": ALGORITHM, "auth_data": []},
        {"algorithm": ALGORITHM, "auth_data": {"public_key": "AAAA"}},
        {"algorithm": ALGORITHM, "auth_data": {"public_key": 1}},
    ],
)
def test_a_version_that_we_cannot_use_has_no_public_key(version: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        public_key_of(version)


def test_the_public_key_of_a_version() -> None:
    assert public_key_of({"algorithm": ALGORITHM, "auth_data": {"public_key": PUBLIC + "="}}) == PUBLIC
