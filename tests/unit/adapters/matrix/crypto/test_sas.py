"""Vectors of matrix.md §10 and every way in which an exchange of keys can be wrong."""

import json

import pytest
import vodozemac
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from welink_desktop.adapters.matrix.crypto import sas
from welink_desktop.adapters.matrix.crypto.canonical import decode, encode
from welink_desktop.adapters.matrix.crypto.verification_sas import BrokenPromise, SasExchange
from welink_desktop.core.ids import DeviceId, UserId

ALICE, BOB = (UserId("@alice:ex.org"), DeviceId("ALICEDEV")), (UserId("@bob:ex.org"), DeviceId("BOBDEV"))
STARTER_KEY = "ZLEBsdC+WocEvQePmJUAH8A+jp+VIvGI3RKNmEbUhGY"
ACCEPTER_KEY = "JE/juWPomd0pW6/84kjTUw86mnR5ugYwAmgOv+etrUk"
START = json.loads(
    '{"from_device":"ALICEDEV","hashes":["sha256"],"key_agreement_protocols":["curve25519-hkdf-sha256"],'
    '"message_authentication_codes":["hkdf-hmac-sha256.v2","hkdf-hmac-sha256"],"method":"m.sas.v1",'
    '"short_authentication_string":["decimal","emoji"],"transaction_id":"TX1"}'
)
INFO = f"MATRIX_KEY_VERIFICATION_SAS|@alice:ex.org|ALICEDEV|{STARTER_KEY}|@bob:ex.org|BOBDEV|{ACCEPTER_KEY}|TX1"


class ByHand:
    """The other implementation: cryptography instead of vodozemac."""

    def __init__(self, shared: bytes) -> None:
        self.shared = shared
        self.raw = b""

    def _derived(self, info: str, length: int) -> bytes:
        return HKDF(hashes.SHA256(), length, b"", info.encode()).derive(self.shared)

    def bytes(self, info: str, /) -> "ByHand":
        self.raw = self._derived(info, 6)
        return self

    @property
    def emoji_indices(self) -> list[int]:
        number = int.from_bytes(self.raw, "big") >> 6
        return [number >> shift & 63 for shift in range(36, -1, -6)]

    @property
    def decimals(self) -> tuple[int, int, int]:
        number = int.from_bytes(self.raw[:5], "big") >> 1
        first, second, third = (1_000 + (number >> shift & 8_191) for shift in (26, 13, 0))
        return first, second, third

    def calculate_mac(self, input: str, info: str, /) -> str:
        made = hmac.HMAC(self._derived(info, 32), hashes.SHA256())
        made.update(input.encode())
        return encode(made.finalize())

    def verify_mac(self, input: str, info: str, tag: str, /) -> None:
        if self.calculate_mac(input, info) != tag:
            raise ValueError("wrong")


class GivenKey:
    def __init__(self, private: bytes) -> None:
        self._private = X25519PrivateKey.from_private_bytes(private)
        self.public = encode(self._private.public_key().public_bytes_raw())

    def agree(self, theirs: str) -> ByHand:
        return ByHand(self._private.exchange(X25519PublicKey.from_public_bytes(decode(theirs))))


def vector_keys() -> tuple[GivenKey, GivenKey]:
    return GivenKey(bytes(range(65, 97))), GivenKey(bytes(range(97, 129)))


def test_the_keys_and_the_shared_secret_of_the_vector() -> None:
    starter, accepter = vector_keys()
    assert (starter.public, accepter.public) == (STARTER_KEY, ACCEPTER_KEY)
    assert encode(starter.agree(accepter.public).shared) == "aQDHN910v5dQKjBxC0mHatLOGgNlNKk44k+iSBJd1FM"


def test_commitment_of_the_vector() -> None:
    assert sas.commitment(ACCEPTER_KEY, START) == "mhIkVT4OuKQURhXwPU5Ay+70xzfGZkc38VwwT6ay8cI"
    assert sas.keeps_commitment("mhIkVT4OuKQURhXwPU5Ay+70xzfGZkc38VwwT6ay8cI=", ACCEPTER_KEY, START)
    assert not sas.keeps_commitment("mhIkVT4OuKQURhXwPU5Ay+70xzfGZkc38VwwT6ay8cI", STARTER_KEY, START)
    assert not sas.keeps_commitment("", ACCEPTER_KEY, START)
    assert not sas.keeps_commitment("x", "\u00e9", START)


def test_emoji_and_decimals_of_the_vector() -> None:
    info = sas.code_info(sas.Side(*ALICE, STARTER_KEY), sas.Side(*BOB, ACCEPTER_KEY), "TX1")
    assert info == INFO
    starter, accepter = vector_keys()
    shown = starter.agree(accepter.public).bytes(info)
    assert shown.raw.hex() == "28c807ecde5b"
    assert shown.emoji_indices == [10, 12, 32, 7, 59, 13, 57]
    assert shown.decimals == (2305, 1031, 6743)


def test_macs_of_the_vector() -> None:
    starter, accepter = vector_keys()
    shared = starter.agree(accepter.public)
    info = sas.mac_info(sas.Side(*ALICE), sas.Side(*BOB), "TX1", "ed25519:ALICEDEV")
    assert info == "MATRIX_KEY_VERIFICATION_MAC@alice:ex.orgALICEDEV@bob:ex.orgBOBDEVTX1ed25519:ALICEDEV"
    assert shared.calculate_mac("ALICEKEY", info) == "wZHldJHYpgV0RZ0ptaVc0pj9MBo/YF64LNXIJEkskdc"
    keys = {"ed25519:MASTER": "MASTERKEY", "ed25519:ALICEDEV": "ALICEKEY"}
    content = sas.mac_content(shared, keys, sas.Side(*ALICE), sas.Side(*BOB), "TX1")
    assert content["keys"] == "JC09xzA0/q0jg5ElLzruBZmBgP9CQl2FnGWxH+zTB0s"
    assert content["mac"]["ed25519:ALICEDEV"] == "wZHldJHYpgV0RZ0ptaVc0pj9MBo/YF64LNXIJEkskdc"


def exchanged(make_alice: type | None = None) -> tuple[SasExchange, SasExchange]:
    """A whole exchange, from the starter's and the accepter's side."""
    alice = SasExchange(ALICE, BOB, "TX1", START, started_by_us=True, make_key=sas.EphemeralKey)
    bob = SasExchange(BOB, ALICE, "TX1", START, started_by_us=False, make_key=sas.EphemeralKey)
    answer = bob.accept()
    assert answer is not None and alice.accepted(answer)
    bob.agree(alice.key)
    alice.agree(bob.key)
    return alice, bob


def test_both_sides_of_an_exchange_show_the_same() -> None:
    alice, bob = exchanged()
    assert alice.emoji == bob.emoji and len(alice.emoji) == 7 and set(alice.emoji) <= set(range(64))
    assert alice.decimals == bob.decimals and all(1_000 <= number <= 9_191 for number in alice.decimals)


def test_vodozemac_and_the_hand_made_one_show_the_same() -> None:
    starter, _ = vector_keys()
    made: list[GivenKey] = []

    def given() -> GivenKey:
        made.append(starter)
        return starter

    alice = SasExchange(ALICE, BOB, "TX1", START, started_by_us=True, make_key=given)
    bob = SasExchange(BOB, ALICE, "TX1", START, started_by_us=False, make_key=sas.EphemeralKey)
    answer = bob.accept()
    assert answer is not None and alice.accepted(answer)
    bob.agree(alice.key)
    alice.agree(bob.key)
    assert (alice.emoji, alice.decimals) == (bob.emoji, bob.decimals)
    keys = {"ed25519:ALICEDEV": "ALICEKEY"}
    assert bob.check(alice.macs(keys), keys) == set(keys)
    assert alice.check(bob.macs({"ed25519:BOBDEV": "B"}), {"ed25519:BOBDEV": "B"}) == {"ed25519:BOBDEV"}


def test_an_accepter_that_changes_its_key_breaks_its_promise() -> None:
    alice = SasExchange(ALICE, BOB, "TX1", START, started_by_us=True, make_key=sas.EphemeralKey)
    bob = SasExchange(BOB, ALICE, "TX1", START, started_by_us=False, make_key=sas.EphemeralKey)
    answer = bob.accept()
    assert answer is not None and alice.accepted(answer)
    with pytest.raises(BrokenPromise):
        alice.agree({"key": sas.EphemeralKey().public})


@pytest.mark.parametrize("key", [None, 1, "", "!", encode(bytes(31)), encode(bytes(32)), encode(bytes(33)), "é"])
def test_no_key_and_weak_keys_are_refused(key: object) -> None:
    bob = SasExchange(BOB, ALICE, "TX1", START, started_by_us=False, make_key=sas.EphemeralKey)
    with pytest.raises(ValueError):
        bob.agree({"key": key})
    with pytest.raises(ValueError):
        bob.agree(bob.key)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key_agreement_protocols", ["curve25519"]),
        ("key_agreement_protocols", "curve25519-hkdf-sha256"),
        ("hashes", ["md5"]),
        ("message_authentication_codes", ["hkdf-hmac-sha256", "org.matrix.msc3783.hkdf-hmac-sha256"]),
        ("message_authentication_codes", None),
        ("short_authentication_string", ["song"]),
        ("short_authentication_string", []),
    ],
)
def test_an_offer_without_what_we_do_is_refused(name: str, value: object) -> None:
    assert sas.chosen({**START, name: value}) is None


def test_what_js_sdk_offers_is_answered_with_the_second_mac() -> None:
    macs = ["hkdf-hmac-sha256", "hkdf-hmac-sha256.v2", "org.matrix.msc3783.hkdf-hmac-sha256"]
    choice = sas.chosen({**START, "message_authentication_codes": macs, "short_authentication_string": ["decimal"]})
    assert choice == {
        "key_agreement_protocol": "curve25519-hkdf-sha256",
        "hash": "sha256",
        "message_authentication_code": "hkdf-hmac-sha256.v2",
        "short_authentication_string": ["decimal"],
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key_agreement_protocol", "curve25519"),
        ("hash", None),
        ("message_authentication_code", "hkdf-hmac-sha256"),
        ("short_authentication_string", ["emoji", "song"]),
        ("short_authentication_string", []),
        ("commitment", 5),
    ],
)
def test_an_answer_with_what_we_did_not_offer_is_refused(name: str, value: object) -> None:
    good = {**(sas.chosen(START) or {}), "commitment": "x"}
    assert sas.is_acceptable(good)
    assert not sas.is_acceptable({**good, name: value})


def test_wrong_macs_are_refused_and_unknown_keys_ignored() -> None:
    alice, bob = exchanged()
    true = {"ed25519:ALICEDEV": "A", "ed25519:MASTER": "M"}
    content = alice.macs(true)
    assert bob.check(content, true) == set(true)
    assert bob.check(content, {"ed25519:ALICEDEV": "A"}) == {"ed25519:ALICEDEV"}
    assert bob.check(content, {"ed25519:OTHER": "A"}) == set()
    bad: list[dict[str, object]] = [
        {},
        {**content, "keys": content["mac"]["ed25519:MASTER"]},
        {**content, "keys": 5},
        {**content, "mac": []},
        {**content, "mac": {}},
        {**content, "mac": {"ed25519:ALICEDEV": content["mac"]["ed25519:ALICEDEV"]}},
        {**content, "mac": {**content["mac"], "ed25519:ALICEDEV": content["mac"]["ed25519:MASTER"]}},
        {**content, "mac": {**content["mac"], "ed25519:ALICEDEV": 7}},
        {**content, "mac": {**content["mac"], "\ud800": "x"}},
        {**content, "mac": {f"ed25519:{number}": "x" for number in range(51)}},
    ]
    for one in bad:
        with pytest.raises(sas.WrongMac):
            bob.check(one, true)
    with pytest.raises(sas.WrongMac):
        bob.check(content, {**true, "ed25519:MASTER": "N"})
    with pytest.raises(sas.WrongMac):
        alice.check(content, true)


def test_macs_with_the_broken_encoding_of_libolm_are_refused() -> None:
    first, second = vodozemac.Sas(), vodozemac.Sas()
    public = first.public_key
    one, two = first.diffie_hellman(second.public_key), second.diffie_hellman(public)
    info = sas.mac_info(sas.Side(*ALICE), sas.Side(*BOB), "TX1", "ed25519:ALICEDEV")
    listed = two.calculate_mac("ed25519:ALICEDEV", sas.mac_info(sas.Side(*ALICE), sas.Side(*BOB), "TX1", sas.KEY_IDS))
    content = {"mac": {"ed25519:ALICEDEV": two.calculate_mac_invalid_base64("A", info)}, "keys": listed}
    with pytest.raises(sas.WrongMac):
        sas.check_macs(one, content, {"ed25519:ALICEDEV": "A"}, sas.Side(*ALICE), sas.Side(*BOB), "TX1")
