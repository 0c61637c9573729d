"""Verification codes: the vector of matrix.md §10, and no bytes that upset the parser."""

import contextlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.adapters.matrix.crypto import qr
from welink_desktop.adapters.matrix.crypto.canonical import encode
from welink_desktop.adapters.matrix.crypto.qr import QrCode, QrMode

KEY1 = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
KEY2 = encode(Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))).public_key().public_bytes_raw())
VECTOR = bytes.fromhex(
    "4d41545249580200000354583103a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b879b5562e8fe654f94078b112e8a9"
    "8ba7901f853ae695bed7e0e3910bad049664000102030405060708090a0b0c0d0e0f"
)
CODE = QrCode(QrMode.PERSON, "TX1", KEY1, KEY2, bytes(range(16)))


def test_the_vector_both_ways() -> None:
    assert qr.to_bytes(CODE) == VECTOR
    assert qr.parse(VECTOR) == CODE


def test_the_secret_does_not_show() -> None:
    assert "secret" not in repr(CODE)


def test_a_room_event_id_of_any_script_fits() -> None:
    code = replace(CODE, mode=QrMode.SELF_NEW, transaction="$é电" * 20)
    assert qr.parse(qr.to_bytes(code)) == code


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MATRIX",
        b"MATRIX\x02",
        VECTOR[:9],
        VECTOR.replace(b"MATRIX", b"MATRIY"),
        VECTOR[:6] + b"\x01" + VECTOR[7:],
        VECTOR[:6] + b"\x03" + VECTOR[7:],
        VECTOR[:7] + b"\x03" + VECTOR[8:],
        VECTOR[:8] + b"\x00\x00" + VECTOR[13:],
        VECTOR[:8] + b"\xff\xff" + VECTOR[10:],
        VECTOR[:-9],
        VECTOR + bytes(49),
        VECTOR[:10] + b"\xff\xfe\xfd" + VECTOR[13:],
        bytes(100_000),
    ],
)
def test_other_bytes_are_no_code(data: bytes) -> None:
    with pytest.raises(ValueError):
        qr.parse(data)


def test_secrets_of_eight_bytes_will_do() -> None:
    assert qr.parse(VECTOR[:-8]).secret == bytes(range(8))


@pytest.mark.parametrize(
    "code",
    [
        replace(CODE, transaction=""),
        replace(CODE, transaction="x" * 256),
        replace(CODE, key1="AAAA"),
        replace(CODE, key2="!"),
        replace(CODE, secret=b"1234567"),
        replace(CODE, secret=bytes(65)),
    ],
)
def test_what_does_not_fit_is_not_written(code: QrCode) -> None:
    with pytest.raises(ValueError):
        qr.to_bytes(code)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_code_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert qr.to_bytes(qr.parse(data)) == data


@given(st.binary(max_size=120))
def test_any_bytes_behind_the_head_are_a_code_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert qr.to_bytes(qr.parse(b"MATRIX\x02" + data)) == b"MATRIX\x02" + data
