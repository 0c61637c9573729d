"""When a track's subscription is switched."""

import asyncio

import pytest

from tests.support.until import eventually
from welink_desktop.adapters.media.process.subscription import Subscription


class Wire:
    """What was sent to the SFU, and when."""

    def __init__(self) -> None:
        self.sent: list[bool] = []
        self.times: list[float] = []

    def apply(self, on: bool) -> None:
        self.sent.append(on)
        self.times.append(asyncio.get_running_loop().time())


@pytest.fixture
def wire() -> Wire:
    return Wire()


async def later(seconds: float) -> None:
    """Until a subscription made now has switched off after `seconds`: what was due before has happened by then."""
    witness = Wire()
    subscription = Subscription(witness.apply, gap=seconds)
    subscription.want(True)
    subscription.want(False)
    await eventually(lambda: witness.sent == [True, False])


async def test_the_first_wish_is_sent_at_once(wire: Wire) -> None:
    subscription = Subscription(wire.apply)
    subscription.want(False)
    subscription.want(True, linger=9)
    assert wire.sent == [True]
    assert subscription.on


async def test_off_and_on_again_within_the_linger_sends_nothing(wire: Wire) -> None:
    subscription = Subscription(wire.apply, gap=0.01)
    subscription.want(True)
    subscription.want(False, linger=0.05)
    subscription.want(True, linger=0.05)
    await later(0.1)
    assert wire.sent == [True]


async def test_a_picture_that_stays_away_is_unsubscribed_after_the_linger(wire: Wire) -> None:
    changes: list[bool] = []
    subscription = Subscription(wire.apply, lambda: changes.append(subscription.on), gap=0.01)
    subscription.want(True)
    subscription.want(False, linger=0.05)
    assert subscription.on
    await later(0.1)
    assert wire.sent == [True, False]
    assert changes == [True, False]


async def test_two_changes_are_a_gap_apart(wire: Wire) -> None:
    subscription = Subscription(wire.apply, gap=0.05)
    subscription.want(True)
    subscription.want(False)
    assert wire.sent == [True]
    await later(0.07)
    subscription.want(True)
    assert wire.sent == [True, False]
    await later(0.07)
    assert wire.sent == [True, False, True]
    assert all(later - earlier >= 0.045 for earlier, later in zip(wire.times, wire.times[1:], strict=False))


async def test_a_closed_subscription_sends_nothing_more(wire: Wire) -> None:
    subscription = Subscription(wire.apply, gap=0.02)
    subscription.want(True)
    subscription.want(False)
    subscription.close()
    await later(0.05)
    assert wire.sent == [True]


async def test_what_was_said_is_said_again_but_nothing_new(wire: Wire) -> None:
    subscription = Subscription(wire.apply)
    subscription.insist()
    assert wire.sent == []
    subscription.want(True)
    subscription.insist()
    assert wire.sent == [True, True]
