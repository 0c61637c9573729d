"""Two and three devices in one call, in memory: membership, keys, rotation, return, leave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tests.support.rtc_world import OFFLINE, ROOM, SERVICE, TOKEN_REFUSED, Party, RtcWorld, jwt_for, party, refused
from tests.support.until import eventually
from welink_desktop.adapters.matrix.crypto.records import ToDevice
from welink_desktop.adapters.matrix.rtc.key_events import KEY_EVENT, key_content
from welink_desktop.adapters.matrix.rtc.session import RtcSession
from welink_desktop.core.calls import (
    CallEnded,
    CallMember,
    CallSignal,
    MembersChanged,
    MembershipDoubtful,
    OwnKeyReady,
    RemoteKeyArrived,
)
from welink_desktop.core.errors import MeetingTokenRefused, NoMeetingService, NotAllowed, Offline, WeLinkError
from welink_desktop.core.ids import DeviceId, UserId


@dataclass
class Heard:
    """What one session said."""

    session: RtcSession
    signals: list[CallSignal] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session.watch(self.signals.append)

    @property
    def members(self) -> tuple[CallMember, ...]:
        return [signal.members for signal in self.signals if isinstance(signal, MembersChanged)][-1]

    @property
    def users(self) -> list[str]:
        return [member.user[1:4] for member in self.members]

    def used(self) -> list[int]:
        return [signal.key.index for signal in self.signals if isinstance(signal, OwnKeyReady) and signal.use]

    def own(self) -> bytes:
        return [signal.key.key for signal in self.signals if isinstance(signal, OwnKeyReady)][-1]

    def keys_of(self, other: Party) -> dict[int, bytes]:
        arrived = [signal.key for signal in self.signals if isinstance(signal, RemoteKeyArrived)]
        return {key.index: key.key for key in arrived if key.identity == other.identity}

    def ended(self) -> list[WeLinkError]:
        return [signal.error for signal in self.signals if isinstance(signal, CallEnded)]


@asynccontextmanager
async def in_call(one: Party, *, video: bool = True) -> AsyncIterator[Heard]:
    heard = Heard(await one.calls.join(ROOM, video=video))
    try:
        yield heard
    finally:
        await heard.session.leave()


async def test_two_devices_see_each_other_and_hold_each_others_keys() -> None:
    world = RtcWorld()
    ann, bob = party(world, "ann"), party(world, "bob")
    async with in_call(ann) as a, in_call(bob, video=False) as b:
        await eventually(lambda: bool(a.keys_of(bob)) and bool(b.keys_of(ann)))
        assert a.users == b.users == ["ann", "bob"]
        assert a.keys_of(bob)[0] == b.own()
        assert b.keys_of(ann)[0] == a.own()
        assert [member.video for member in a.members] == [True, False]
        assert [member.own for member in a.members] == [True, False]
        assert a.members[1].name == "Bob"
        assert [member.user[1:4] for member in await ann.calls.members(ROOM)] == ["ann", "bob"]
    assert all(not event.content for event in world.state.values())


async def test_joining_goes_ticket_delayed_leave_member_restart() -> None:
    world = RtcWorld()
    ann = party(world, "ann")
    async with in_call(ann) as heard:
        assert ann.server.log[:6] == ["transports", "delayed-list", "openid", "token", "delay", "member"]
        ticket = await heard.session.ticket()
        assert (ticket.url, ticket.identity, ticket.service_url) == ("wss://sfu.example.org", ann.identity, SERVICE)
        assert ticket.encrypted
        asked = ann.server.log.count("openid")
        await heard.session.ticket()
        assert ann.server.log.count("openid") == asked + 1
        assert "c2ln" not in repr(ticket)
    async with in_call(ann):
        assert ann.server.log.count("transports") == 1


async def test_somebody_leaves_and_the_key_rotates_then_is_used() -> None:
    world = RtcWorld()
    ann, bob, cat = party(world, "ann"), party(world, "bob"), party(world, "cat")
    async with in_call(ann) as a, in_call(bob) as b:
        async with in_call(cat) as c:
            await eventually(lambda: bool(c.keys_of(ann)) and bool(a.keys_of(cat)))
            known_to_cat = dict(c.keys_of(ann))
        await eventually(lambda: a.used()[-1] > max(known_to_cat))
        await eventually(lambda: a.used()[-1] in b.keys_of(ann))
        assert a.users == ["ann", "bob"]
        assert set(c.keys_of(ann)) == set(known_to_cat)


async def test_a_removed_member_is_gone_at_once_and_cannot_return() -> None:
    world = RtcWorld()
    ann, bob = party(world, "ann"), party(world, "bob")
    async with in_call(ann) as a, in_call(bob) as b:
        await eventually(lambda: a.users == ["ann", "bob"])
        world.remove(bob.user)
        assert a.users == ["ann"]
        await eventually(lambda: bool(b.ended()))
        assert isinstance(b.ended()[0], NotAllowed)


async def test_a_killed_client_disappears_when_the_server_sends_its_leave() -> None:
    world = RtcWorld()
    ann, bob = party(world, "ann"), party(world, "bob")
    async with in_call(ann) as a, in_call(bob) as b:
        await eventually(lambda: bool(b.keys_of(ann)))
        await b.session._scope.aclose()
        for delay_id in [one for one, (_, user) in world.delayed.items() if user == bob.user]:
            world.fire(delay_id)
        await eventually(lambda: a.users == ["ann"])


async def test_our_membership_overwritten_by_others_comes_back() -> None:
    world = RtcWorld()
    ann, bob = party(world, "ann"), party(world, "bob")
    async with in_call(ann) as a, in_call(bob) as b:
        await eventually(lambda: bool(b.keys_of(ann)))
        (key,) = [name for name, event in world.state.items() if event.sender == ann.user]
        world.put(bob.user, key, {})
        await eventually(lambda: sorted(a.users) == ["ann", "bob"] and a.members[-1].user == ann.user)
        await eventually(lambda: a.own() in b.keys_of(ann).values())


async def test_what_a_killed_run_left_scheduled_is_cancelled() -> None:
    world = RtcWorld()
    killed, ann = party(world, "ann"), party(world, "ann")
    session = await killed.calls.join(ROOM, video=True)
    await session._scope.aclose()
    (left,) = world.delayed
    async with in_call(ann) as heard:
        assert left not in world.delayed
        assert heard.users == ["ann"]
    world.delayed.clear()
    ann.calls._cleared.clear()
    ann.server.fail["delayed-list"] = OFFLINE
    async with in_call(ann) as heard:
        assert heard.users == ["ann"]
    await session.leave()


async def test_the_heartbeat_makes_a_new_delayed_leave_when_the_old_is_gone() -> None:
    world = RtcWorld()
    ann = party(world, "ann")
    async with in_call(ann):
        world.delayed.clear()
        await eventually(lambda: len(world.delayed) == 1)


async def test_without_a_heartbeat_we_doubt_until_the_server_answers_again() -> None:
    world = RtcWorld()
    ann = party(world, "ann")
    async with in_call(ann) as a:
        ann.server.fail["restart"] = OFFLINE
        await eventually(lambda: MembershipDoubtful(True) in a.signals)
        del ann.server.fail["restart"]
        await eventually(lambda: MembershipDoubtful(False) in a.signals)
        assert a.users == ["ann"]


async def test_removed_by_the_server_while_offline_we_join_again() -> None:
    world = RtcWorld()
    ann = party(world, "ann")
    async with in_call(ann) as a:
        ann.server.fail["restart"] = OFFLINE
        await eventually(lambda: MembershipDoubtful(True) in a.signals)
        for delay_id in list(world.delayed):
            world.fire(delay_id)
        del ann.server.fail["restart"]
        await eventually(lambda: a.users == ["ann"] and MembershipDoubtful(False) in a.signals)


@pytest.mark.parametrize("errcode", ["M_UNRECOGNIZED", "M_UNKNOWN"])
async def test_a_server_without_delayed_events_is_joined_all_the_same(errcode: str) -> None:
    world = RtcWorld()
    ann = party(world, "ann")
    ann.server.fail["delay"] = refused(400, errcode)
    async with in_call(ann) as a:
        assert a.users == ["ann"]
    assert ann.server.log[-1] == "leave"
    assert ann.server.log.count("delay") == 1


async def test_a_shorter_limit_of_the_server_is_respected() -> None:
    world = RtcWorld()
    ann = party(world, "ann")
    parts = ann.calls._parts
    error = refused(400, "ORG.MATRIX.MSC4140_DELAY_TOO_LARGE", **{"org.matrix.msc4140.max_delay": 300})
    ann.server.fail["delay"] = error
    async with in_call(ann):
        assert parts.server is ann.server
    assert ann.server.log.count("delay") == 1


async def test_rate_limits_at_joining_are_waited_for() -> None:
    world = RtcWorld()
    ann = party(world, "ann")
    ann.server.fail["member"] = refused(429, "M_LIMIT_EXCEEDED", retry_after_ms=20)
    joining = asyncio.get_running_loop().create_task(ann.calls.join(ROOM, video=True))
    await eventually(lambda: "member" in ann.server.log)
    del ann.server.fail["member"]
    session = await joining
    await session.leave()


@pytest.mark.parametrize(
    ("step", "error", "expected"),
    [
        ("member", refused(403, "M_FORBIDDEN"), NotAllowed),
        ("member", OFFLINE, Offline),
        ("token", TOKEN_REFUSED, MeetingTokenRefused),
        ("openid", OFFLINE, Offline),
        ("openid", refused(403, "M_FORBIDDEN"), MeetingTokenRefused),
    ],
)
async def test_a_join_that_fails_leaves_nothing_behind(step: str, error: WeLinkError, expected: type[WeLinkError]) -> None:
    world = RtcWorld()
    ann = party(world, "ann")
    ann.server.fail[step] = error
    with pytest.raises(expected):
        await ann.calls.join(ROOM, video=True)
    assert all(not event.content for event in world.state.values())
    ann.server.fail.clear()
    async with in_call(ann) as heard:
        assert heard.users == ["ann"]


@pytest.mark.parametrize(
    "answer",
    [{}, {"url": "wss://x"}, {"url": "file:///x", "jwt": jwt_for("@ann:example.org:PHONE")}, {"url": "wss://x", "jwt": "a.b.c"}]
    + [{"url": "wss://x", "jwt": token} for token in ("x", "a.W10.c", jwt_for("@bob:example.org:PHONE"))],
)
async def test_a_wrong_answer_of_the_token_service_is_refused(answer: dict[str, str]) -> None:
    ann = party(RtcWorld(), "ann")
    ann.server.answer = answer
    with pytest.raises(MeetingTokenRefused):
        await ann.calls.join(ROOM, video=True)


async def test_keys_in_clear_forged_or_from_outside_are_dropped() -> None:
    world = RtcWorld()
    ann, bob = party(world, "ann"), party(world, "bob")
    stranger = UserId("@eve:example.org")
    async with in_call(ann) as a, in_call(bob):
        await eventually(lambda: 0 in a.keys_of(bob))
        evil = key_content(bob.user, bob.device, ROOM, 9, b"e" * 16, 2**50)
        ann.olm.deliver(ToDevice(KEY_EVENT, evil, bob.user, bob.device))
        ann.olm.deliver(ToDevice(KEY_EVENT, evil, bob.user, DeviceId("OTHER"), "curve", encrypted=True))
        outside = key_content(stranger, DeviceId("X"), ROOM, 9, b"e" * 16, 2**50)
        ann.olm.deliver(ToDevice(KEY_EVENT, outside, stranger, DeviceId("X"), "curve", encrypted=True))
        elsewhere = evil | {"room_id": "!other"}
        ann.olm.deliver(ToDevice(KEY_EVENT, elsewhere, bob.user, bob.device, "curve", encrypted=True))
        assert all(key != b"e" * 16 for key in a.keys_of(bob).values())


async def test_a_key_that_comes_before_its_member_is_kept() -> None:
    world = RtcWorld()
    ann, bob = party(world, "ann"), party(world, "bob")
    async with in_call(ann) as a:
        early = key_content(bob.user, bob.device, ROOM, 7, b"b" * 16, 1)
        ann.olm.deliver(ToDevice(KEY_EVENT, early, bob.user, bob.device, "curve", encrypted=True))
        assert a.keys_of(bob) == {}
        async with in_call(bob):
            await eventually(lambda: 7 in a.keys_of(bob))


async def test_a_device_that_cannot_be_reached_gets_the_key_later() -> None:
    world = RtcWorld()
    ann, bob = party(world, "ann"), party(world, "bob", "LAPTOP")
    world.deaf.add(bob.device)
    async with in_call(ann) as a, in_call(bob) as b:
        await eventually(lambda: 0 in a.keys_of(bob))
        assert b.keys_of(ann) == {}
        world.deaf.clear()
        await eventually(lambda: bool(b.keys_of(ann)))


async def test_a_clear_room_has_no_keys() -> None:
    world = RtcWorld(encrypted=False)
    ann, bob = party(world, "ann"), party(world, "bob")
    async with in_call(ann) as a, in_call(bob):
        await eventually(lambda: a.users == ["ann", "bob"])
        assert not (await a.session.ticket()).encrypted
        assert a.used() == []
        world.encrypted = True
        world.changed.emit(None)
        assert len(a.ended()) == 1


async def test_the_camera_is_announced() -> None:
    world = RtcWorld()
    ann, bob = party(world, "ann"), party(world, "bob")
    async with in_call(ann, video=False) as a, in_call(bob) as b:
        before = b.members[0].since_ms
        await a.session.set_video(True)
        await eventually(lambda: b.members[0].video)
        assert b.members[0].since_ms == before


async def test_a_second_join_leaves_the_first_call() -> None:
    world = RtcWorld()
    ann = party(world, "ann")
    async with in_call(ann) as first, in_call(ann) as second:
        assert first.session._over
        assert second.users == ["ann"]


async def test_leaving_without_an_answer_ends_in_time() -> None:
    world = RtcWorld()
    ann = party(world, "ann")
    async with in_call(ann) as heard:
        ann.server.fail |= {"send": OFFLINE, "leave": OFFLINE}
        await asyncio.wait_for(heard.session.leave(), 3)


async def test_late_watchers_are_told_everything() -> None:
    world = RtcWorld()
    ann, bob = party(world, "ann"), party(world, "bob")
    async with in_call(ann) as a, in_call(bob):
        await eventually(lambda: bool(a.keys_of(bob)))
        late = Heard(a.session)
        assert late.users == ["ann", "bob"]
        assert late.keys_of(bob) == a.keys_of(bob)
        assert late.used()


async def test_transports_are_found_in_order() -> None:
    ann = party(RtcWorld(), "ann")
    transports = ann.calls._transports
    ann.server.announced = [{"type": "other"}, {"type": "livekit"}, {"type": "livekit", "livekit_service_url": "ftp://x"}]
    with pytest.raises(NoMeetingService):
        await transports.service_url()
    ann.server.known = {"org.matrix.msc4143.rtc_foci": [{"type": "livekit", "livekit_service_url": "https://wk"}]}
    assert await transports.service_url() == "https://wk"
    ann.server.announced = [{"type": "livekit", "livekit_service_url": SERVICE}]
    assert await transports.service_url() == "https://wk"
    transports.forget()
    assert await transports.service_url() == SERVICE
    transports.forget()
    ann.server.fail |= {"transports": OFFLINE, "well-known": OFFLINE}
    with pytest.raises(Offline):
        await transports.service_url()
    transports._configured = "https://own"
    assert await transports.service_url() == "https://own"
