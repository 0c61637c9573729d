"""Encrypted attachments: the reference vector (matrix.md §10), piece sizes, damage."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.adapters.matrix.crypto.attachments import Check, Encryptor, decrypted, file_content
from welink_desktop.adapters.matrix.wire.content import encrypted_file
from welink_desktop.core.ids import ContentUri

URI = ContentUri("mxc://x/a")
PLAIN = bytes.fromhex("6174746163686d656e7420e99984e4bbb6200001")
CIPHER = bytes.fromhex("7e57a7c25280d67d92178518f50cb3a503562c03")
KEY = bytes(range(0x80, 0xA0))
IV = bytes(range(8)) + bytes(8)


def test_the_reference_vector() -> None:
    encryptor = Encryptor(KEY, IV)
    assert encryptor.update(PLAIN) == CIPHER
    assert file_content(encryptor.finish(URI)) == {
        "v": "v2",
        "url": "mxc://x/a",
        "key": {
            "alg": "A256CTR",
            "ext": True,
            "k": "gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp8",
            "key_ops": ["encrypt", "decrypt"],
            "kty": "oct",
        },
        "iv": "AAECAwQFBgcAAAAAAAAAAA",
        "hashes": {"sha256": "A15HeEO5/oE1PzZoP/h6AHCptKSGFxtXCa0a60MMl7s"},
    }


@given(pieces=st.lists(st.binary(max_size=50), max_size=8))
def test_pieces_make_no_difference(pieces: list[bytes]) -> None:
    encryptor = Encryptor()
    cipher = b"".join(encryptor.update(piece) for piece in pieces)
    file = encryptor.finish(URI)
    check = Check()
    check.update(cipher)
    assert check.matches(file) and len(cipher) == encryptor.size
    assert b"".join(decrypted(file, [cipher[:7], cipher[7:]])) == b"".join(pieces)
    assert encrypted_file(file_content(file)) == file


def test_every_file_has_its_own_key_and_a_counter_from_zero() -> None:
    one, two = Encryptor().finish(URI), Encryptor().finish(URI)
    assert one.key != two.key and one.iv != two.iv
    assert one.iv[8:] == bytes(8)
    assert base64.b64encode(one.key).decode() not in repr(one)


@pytest.mark.parametrize("at", [0, 10, 19])
def test_a_changed_byte_is_found(at: int) -> None:
    encryptor = Encryptor(KEY, IV)
    cipher = bytearray(encryptor.update(PLAIN))
    cipher[at] ^= 1
    check = Check()
    check.update(bytes(cipher))
    assert not check.matches(encryptor.finish(URI))
