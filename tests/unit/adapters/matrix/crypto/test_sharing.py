"""Truth tables: who is handed secrets, keys and history, and from whom they are taken."""

import itertools
from collections.abc import Callable

import pytest

from welink_desktop.adapters.matrix.crypto import sharing
from welink_desktop.adapters.matrix.crypto.forwarding import worth_asking
from welink_desktop.adapters.matrix.crypto.records import Device, Source
from welink_desktop.core.ids import DeviceId, UserId
from welink_desktop.core.trust import UndecryptableReason


@pytest.mark.parametrize(
    ("decide", "needed", "forbidden"),
    [
        (sharing.may_give_secret, ("own_user", "trusted", "known_name", "allowed"), ("this_device",)),
        (sharing.may_try_secret, ("encrypted", "own_user", "trusted", "open_request", "asked"), ()),
        (sharing.may_take_key, ("encrypted", "own_user", "trusted", "open_request", "asked"), ()),
        (sharing.may_share_history, ("chosen", "readable", "own_signed"), ()),
        (sharing.may_bundle, ("same_room", "shared_history"), ()),
        (sharing.may_take_bundle, ("encrypted", "accepted_from_sender", "in_time", "sender_signed"), ()),
    ],
)
def test_only_with_every_condition(decide: Callable[..., bool], needed: tuple[str, ...], forbidden: tuple[str, ...]) -> None:
    names = needed + forbidden
    for values in itertools.product((False, True), repeat=len(names)):
        given = dict(zip(names, values, strict=True))
        expected = all(given[name] for name in needed) and not any(given[name] for name in forbidden)
        assert decide(**given) is expected, given


@pytest.mark.parametrize("source", list(Source))
def test_only_proved_sessions_are_forwarded(source: Source) -> None:
    for own_user, this_device, trusted in itertools.product((False, True), repeat=3):
        expected = own_user and not this_device and trusted and source is Source.OLM
        assert sharing.may_give_key(own_user=own_user, this_device=this_device, trusted=trusted, source=source) is expected


@pytest.mark.parametrize(("owner_signed", "keys_changed"), list(itertools.product((False, True), repeat=2)))
def test_history_goes_to_devices_signed_by_their_owner_only(owner_signed: bool, keys_changed: bool) -> None:
    device = Device(UserId("@a:x"), DeviceId("A"), "c", "e", owner_signed=owner_signed, keys_changed=keys_changed)
    assert sharing.may_have_history(device) is (owner_signed and not keys_changed)


@pytest.mark.parametrize(
    ("same_room", "flag", "expected"),
    [(True, True, True), (True, None, True), (True, False, False), (False, True, False), (False, None, False)],
)
def test_what_a_bundle_may_bring(same_room: bool, flag: bool | None, expected: bool) -> None:
    assert sharing.may_take_from_bundle(same_room=same_room, shared_history=flag) is expected


@pytest.mark.parametrize(
    ("at", "now", "expected"), [(None, 5, False), (0, 0, True), (0, 10, True), (0, 11, False), (10, 9, False)]
)
def test_a_span_of_time(at: int | None, now: int, expected: bool) -> None:
    assert sharing.within(at, now, 10) is expected


def test_other_devices_are_asked_only_for_keys_that_they_may_have() -> None:
    assert {reason for reason in UndecryptableReason if worth_asking(reason)} == {
        UndecryptableReason.KEY_MISSING,
        UndecryptableReason.KEY_LATE,
        UndecryptableReason.SENT_BEFORE_DEVICE,
        UndecryptableReason.WITHHELD_UNVERIFIED,
        UndecryptableReason.WITHHELD_BLOCKED,
        UndecryptableReason.WITHHELD_NO_CHANNEL,
    }
