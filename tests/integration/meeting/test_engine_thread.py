"""The meeting service on one loop, the engine on another, as the app runs them."""

from pathlib import Path

from tests.support.callers import Caller, callers
from tests.support.engine import Person, RoomsSeen, home, no_pictures, shared_room
from tests.support.meetings import frame_where
from tests.support.servers import TestLiveKit, TestSynapse, TestTokenService
from tests.support.until import eventually
from welink_desktop.adapters.engine_thread import EngineThread, hop
from welink_desktop.adapters.fake.system import MemoryDesktop
from welink_desktop.adapters.keyring.memory import MemorySecrets
from welink_desktop.adapters.matrix.accounts import MatrixAccounts
from welink_desktop.adapters.media.process import barcode
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.ports.accounts import Accounts, Session
from welink_desktop.services.meeting.meeting import Meeting


async def test_a_meeting_across_the_hop(
    synapse: TestSynapse, livekit: TestLiveKit, token_service: TestTokenService, tmp_path: Path
) -> None:
    thread = EngineThread("engine-of-bob")
    thread.start()
    try:
        async with callers(synapse, tmp_path, "ann") as (ann,):
            registered = synapse.register("bob")
            accounts: Accounts = hop(MatrixAccounts(tmp_path / "bob", MemorySecrets(), decode=no_pictures), thread)
            account = await accounts.sign_in(home(synapse), registered.localpart, registered.password, "Test")
            session = await accounts.open(account.key)
            room = await room_of_both(ann.person, session, account.user)
            bob = _HoppedCaller(ann, session, f"{account.user}:{account.device}")
            await ann.enter(room)
            await bob.enter(room)
            frames = ann.meeting.frames
            assert frames is not None
            tile = await ann.tile_of(bob.name)
            await frame_where(frames, tile, lambda f: barcode.read_bgra(f.pixels, f.width, f.height) is not None)
            seen = await bob.tile_of(ann.identity)
            frames = bob.meeting.frames
            assert frames is not None
            await frame_where(frames, seen, lambda f: barcode.read_bgra(f.pixels, f.width, f.height) is not None)
            await bob.meeting.leave()
            await eventually(lambda: ann.sees_in(bob.name) is None, 15)
            await bob.meeting.aclose()
            await session.close()
    finally:
        thread.stop()


class _HoppedCaller(Caller):
    """A caller whose engine lives in another thread."""

    def __init__(self, like: Caller, session: Session, name: str) -> None:
        super().__init__(like.person)
        self.name = name
        self.meeting = Meeting(session.calls, self.engine, MemoryDesktop(), SystemClock(), choices=self.choices)


async def room_of_both(host: Person, guest: Session, user: UserId) -> RoomId:
    room = await shared_room(host)
    await host.session.chat.invite(room, user)
    seen = RoomsSeen(guest)
    await eventually(lambda: seen.get(room) is not None, 20)
    seen.cancel()
    await guest.chat.join(room)
    return room
