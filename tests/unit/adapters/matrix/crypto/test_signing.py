"""Signing keys from seeds: vectors of matrix.md §10, and what is no seed."""

import json

import pytest

from tests.unit.adapters.matrix.crypto.test_vectors import PUBLIC, SAMPLE, SIGNATURE
from welink_desktop.adapters.matrix.crypto.canonical import encode, signed_part, verified
from welink_desktop.adapters.matrix.crypto.signing import SigningKey, key_object
from welink_desktop.core.ids import UserId

ALICE = UserId("@alice:x")
SEED = bytes(range(32))


def test_the_vector() -> None:
    key = SigningKey(SEED)
    assert key.public == PUBLIC
    assert key.sign(signed_part(json.loads(SAMPLE))) == SIGNATURE


def test_a_secret_is_the_seed_without_padding() -> None:
    key = SigningKey(SEED)
    assert key.secret == encode(SEED)
    assert SigningKey.from_secret(key.secret).public == SigningKey.from_secret(key.secret + "=").public == PUBLIC


@pytest.mark.parametrize("text", [None, 7, "", "AAAA", "not base64!", encode(b"x" * 31), encode(b"x" * 33), b"x" * 32])
def test_what_is_no_secret(text: object) -> None:
    with pytest.raises(ValueError):
        SigningKey.from_secret(text)


def test_two_generated_keys_differ_and_show_nothing() -> None:
    one, other = SigningKey.generate(), SigningKey.generate()
    assert one.public != other.public
    assert repr(one) == str(one) == "SigningKey()"


def test_a_signature_covers_all_but_signatures_and_unsigned() -> None:
    key = SigningKey(SEED)
    value = {"a": [1], "signatures": {"@x:x": {"k": "s"}}, "unsigned": {"age": 1}}
    signed = key.signature(ALICE, value)
    assert set(signed) == {"a", "signatures"}
    assert set(signed["signatures"]) == {ALICE}
    assert verified(signed, ALICE, f"ed25519:{PUBLIC}", PUBLIC)
    signed["a"].append(2)
    assert value["a"] == [1]
    assert not verified(signed, ALICE, f"ed25519:{PUBLIC}", PUBLIC)


def test_a_published_key() -> None:
    assert key_object(ALICE, "master", PUBLIC) == {"user_id": ALICE, "usage": ["master"], "keys": {f"ed25519:{PUBLIC}": PUBLIC}}
