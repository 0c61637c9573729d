"""The life of one membership over time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.support.rtc_world import OFFLINE, QUICK, ROOM, SERVICE, RtcWorld, Server, party, refused
from tests.support.until import eventually
from welink_desktop.adapters.matrix.rtc.keeper import MembershipKeeper, Place, Timings
from welink_desktop.adapters.matrix.rtc.membership import FIRST_EXPIRY_MS, parse_members
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.errors import SignedOut, WeLinkError
from welink_desktop.core.ids import RoomId
from welink_desktop.core.reactive import Scope


@dataclass
class Life:
    world: RtcWorld
    server: Server
    keeper: MembershipKeeper
    scope: Scope
    ends: list[WeLinkError]

    @property
    def content(self) -> dict[str, Any]:
        (event,) = self.world.state.values()
        return dict(event.content)

    def look(self) -> None:
        """A sync brought the room's state."""
        events = list(self.world.state.values())
        members = parse_members(events, self.world.joined, SystemClock().now_ms())
        self.keeper.observed(members[0] if members else None)


def life(timings: Timings = QUICK) -> Life:
    world = RtcWorld()
    ann = party(world, "ann")
    place = Place(ROOM, ann.user, ann.device, "_key", SERVICE)
    ends: list[WeLinkError] = []
    keeper = MembershipKeeper(
        ann.server,
        SystemClock(),
        place,
        video=True,
        on_doubt=lambda doubtful: None,
        on_end=ends.append,
        on_return=lambda: None,
        timings=timings,
    )
    made = Life(world, ann.server, keeper, Scope("life"), ends)
    world.changed.listen(lambda _none: made.look())
    return made


@pytest.fixture
async def quick() -> AsyncIterator[Life]:
    made = life()
    yield made
    await made.keeper.leave()
    await made.scope.aclose()


async def test_every_refresh_lasts_longer_and_keeps_the_time_of_joining() -> None:
    made = life(replace(QUICK, refresh=0.1, refresh_lead=0.0))
    await made.keeper.announce(made.scope)
    first = made.content
    assert first["expires"] == FIRST_EXPIRY_MS and "created_ts" not in first
    (event,) = made.world.state.values()
    made.look()
    await eventually(lambda: made.content.get("expires") == 2 * FIRST_EXPIRY_MS)
    assert made.content["created_ts"] == event.timestamp_ms
    await eventually(lambda: made.content.get("expires") == 3 * FIRST_EXPIRY_MS)
    assert made.keeper.event in [one.event for one in made.world.state.values()]
    await made.keeper.leave()
    await made.scope.aclose()


async def test_a_server_with_a_lower_limit_gets_a_shorter_delay() -> None:
    made = life(replace(QUICK, leave_delay=18.0))
    asked: list[int] = []

    async def put(room: RoomId, event_type: str, state_key: str, content: dict[str, Any], delay_ms: int) -> str:
        asked.append(delay_ms)
        if delay_ms > 6_000:
            raise refused(400, "M_UNKNOWN", **{"org.matrix.msc4140.max_delay": 6_000})
        return "d"

    made.server.put_delayed_state = put  # type: ignore[method-assign]  # of the fake
    made.world.delayed["d"] = ("_key", next(iter(made.world.joined)))
    await made.keeper.announce(made.scope)
    assert asked == [18_000, 6_000]
    await made.keeper.leave()
    await made.scope.aclose()


async def test_a_membership_that_never_shows_up_is_sent_again(quick: Life) -> None:
    quick.world.changed = type(quick.world.changed)()
    await quick.keeper.announce(quick.scope)
    await eventually(lambda: quick.server.log.count("member") >= 2)


async def test_a_camera_toggle_that_meets_no_network_is_sent_later(quick: Life) -> None:
    await quick.keeper.announce(quick.scope)
    quick.look()
    quick.server.fail["member"] = OFFLINE
    quick.keeper.set_video(False)
    await eventually(lambda: quick.server.log.count("member") >= 3)
    del quick.server.fail["member"]
    await eventually(lambda: quick.content.get("m.call.intent") == "audio")
    quick.keeper.set_video(False)


async def test_a_dead_token_ends_it(quick: Life) -> None:
    await quick.keeper.announce(quick.scope)
    quick.server.fail["restart"] = refused(401, "M_UNKNOWN_TOKEN")
    await eventually(lambda: bool(quick.ends))
    assert isinstance(quick.ends[0], SignedOut)


async def test_a_limited_heartbeat_waits_and_goes_on(quick: Life) -> None:
    await quick.keeper.announce(quick.scope)
    quick.server.fail["restart"] = refused(429, "M_LIMIT_EXCEEDED", retry_after_ms=10)
    await eventually(lambda: quick.server.log.count("restart") >= 3)
    assert quick.ends == []


async def test_leaving_falls_back_to_an_empty_event_and_repeats_it(quick: Life) -> None:
    await quick.keeper.announce(quick.scope)
    quick.world.delayed.clear()
    quick.server.fail["leave"] = refused(429, "M_LIMIT_EXCEEDED", retry_after_ms=10)
    leaving = quick.scope.spawn(quick.keeper.leave(), name="leave")
    await eventually(lambda: "leave" in quick.server.log)
    quick.server.fail["leave"] = OFFLINE
    await eventually(lambda: quick.server.log.count("leave") >= 2)
    del quick.server.fail["leave"]
    await leaving
    assert quick.content == {}


async def test_leaving_where_it_is_forbidden_gives_up(quick: Life) -> None:
    await quick.keeper.announce(quick.scope)
    quick.world.delayed.clear()
    quick.world.joined.clear()
    await quick.keeper.leave()
    assert quick.server.log[-1] == "leave"


async def test_who_never_joined_leaves_nothing(quick: Life) -> None:
    quick.server.fail["delay"] = OFFLINE
    await quick.keeper.leave()
    assert quick.server.log == []
