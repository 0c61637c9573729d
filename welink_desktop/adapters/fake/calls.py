"""`CallSignalling` and `MediaEngine` over the fake world: members come and go as the test says, pictures sway."""

import asyncio
from dataclasses import replace

from welink_desktop.adapters.fake.world import FakeRoom, FakeWorld
from welink_desktop.core.calls import (
    CallMember,
    CallSignal,
    CaptureSource,
    DeviceKind,
    DevicesChanged,
    EncryptionChanged,
    EncryptionState,
    Frame,
    JoinRequest,
    LevelMeasured,
    LinkChanged,
    MediaDevice,
    MediaDevices,
    MediaEvent,
    MediaKey,
    MediaLink,
    MembersChanged,
    OwnKeyReady,
    ParticipantJoined,
    ParticipantLeft,
    RemoteKeyArrived,
    SelfChanged,
    SfuTicket,
    SpeakersChanged,
    TileRequest,
    TrackChanged,
    TrackInfo,
    TrackSource,
)
from welink_desktop.core.errors import DeviceUnavailable, MediaEngineFailed, NoMeetingService
from welink_desktop.core.ids import DeviceId, EventId, RoomId, UserId
from welink_desktop.core.media import Picture
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, Signal

SWAY = 16
"""Pixels by which a fake camera picture moves from side to side."""

SERVICE = "https://rtc.yunshan.example"


def fake_member(world: FakeWorld, user: UserId, *, since_ms: int = 0, video: bool = True) -> CallMember:
    """A member of the call with one device."""
    person = world.people[user]
    device = DeviceId("PHONE" if user != world.me.user else "SAMPLE")
    return CallMember(
        user=user,
        device=device,
        identity=f"{user}:{device}",
        event=EventId(f"$call-{user}"),
        since_ms=since_ms,
        service_url=SERVICE,
        name=person.name,
        avatar=person.avatar,
        external=person.external,
        video=video,
        own=user == world.me.user,
    )


class FakeCallSession:
    def __init__(self, world: FakeWorld, room: FakeRoom, member: CallMember) -> None:
        self._world = world
        self._room = room
        self._member = member
        self._signals: Signal[CallSignal] = Signal()
        self._drop = room.call_changed.listen(lambda members: self._signals.emit(MembersChanged(members)))
        self._index = 0

    def watch(self, listener: Listener[CallSignal]) -> Cancel:
        listener(MembersChanged(tuple(self._room.call)))
        for member in self._room.call:
            key = MediaKey(member.identity, 0, member.identity.encode()[:16].ljust(16, b"\0"))
            listener(OwnKeyReady(key, use=True) if member.own else RemoteKeyArrived(key))
        return self._signals.listen(listener)

    def rotate(self) -> None:
        """Somebody left: our next key is ready."""
        self._index += 1
        key = MediaKey(self._member.identity, self._index, bytes([self._index]) * 16)
        self._signals.emit(OwnKeyReady(key, use=False))
        self._signals.emit(OwnKeyReady(key, use=True))

    async def ticket(self, service_url: str = "") -> SfuTicket:
        return SfuTicket("wss://sfu.yunshan.example", "token", self._member.identity, service_url or SERVICE)

    async def set_video(self, on: bool) -> None:
        members = [replace(member, video=on) if member.own else member for member in self._room.call]
        self._world.set_call(self._room, members)

    async def leave(self) -> None:
        self._drop()
        self._world.set_call(self._room, [member for member in self._room.call if not member.own])


class FakeCallSignalling:
    def __init__(self, world: FakeWorld) -> None:
        self._world = world
        self.service_missing = False

    async def members(self, room: RoomId) -> tuple[CallMember, ...]:
        return tuple(self._world.room(room).call)

    async def join(self, room: RoomId, *, video: bool) -> FakeCallSession:
        if self.service_missing:
            raise NoMeetingService
        found = self._world.room(room)
        member = fake_member(self._world, self._world.me.user, since_ms=self._world.clock.now_ms(), video=video)
        self._world.set_call(found, [*(one for one in found.call if not one.own), member])
        return FakeCallSession(self._world, found, member)


class FakeFrames:
    """Camera pictures that sway with the clock: a wider picture read at a moving offset, without a copy."""

    def __init__(self, world: FakeWorld) -> None:
        self._world = world
        self._tiles: dict[int, TileRequest] = {}
        self._pictures: dict[int, Picture] = {}
        self._last = -1

    def show(self, tiles: tuple[TileRequest, ...]) -> None:
        self._pictures = {
            t.tile: self._pictures[t.tile] for t in tiles if self._tiles.get(t.tile) == t and t.tile in self._pictures
        }
        self._tiles = {tile.tile: tile for tile in tiles}

    def changed(self) -> bool:
        now = self._tick()
        if now == self._last or not self._tiles:
            return False
        self._last = now
        return True

    def take(self, tile: int) -> Frame | None:
        request = self._tiles.get(tile)
        if request is None:
            return None
        picture = self._pictures.get(tile)
        if picture is None:
            picture = self._pictures[tile] = self._make(request)
        tick = self._tick()
        offset = abs(tick % (2 * SWAY) - SWAY) * 4
        stride = picture.width * 4
        width = picture.width - SWAY
        end = offset + stride * (picture.height - 1) + width * 4
        return Frame(width, picture.height, stride, 0, tick, memoryview(picture.pixels)[offset:end])

    def _tick(self) -> int:
        return int(self._world.clock.monotonic() * 15)

    def _make(self, request: TileRequest) -> Picture:
        user = UserId(request.identity.rpartition(":")[0])
        person = self._world.people.get(user)
        width, height = max(request.width, 32) + SWAY, max(request.height, 32)
        if request.source is TrackSource.SCREEN:
            height = min(height, width * 10 // 16)
            shared = self._world.pictures("plan", min(width, height * 16 // 10), height)
            if shared is not None:
                return shared
        if person is not None and person.avatar is not None:
            name = person.avatar.rsplit("/", 1)[-1].replace("-avatar", "-camera")
            made = self._world.pictures(name, width, height)
            if made is not None:
                return made
        return _bars(width, height, seed=sum(request.identity.encode()))


def _bars(width: int, height: int, *, seed: int) -> Picture:
    row = b"".join(bytes(((x * 3 + seed) % 256, (seed * 7) % 256, (x + seed * 3) % 256, 255)) for x in range(width))
    return Picture(width, height, row * height)


class FakeMediaSession:
    """A media process that always works, unless the test says otherwise through `emit`."""

    def __init__(self, world: FakeWorld, devices: MediaDevices) -> None:
        self._world = world
        self._devices = devices
        self._events: Signal[MediaEvent] = Signal()
        self._frames = FakeFrames(world)
        self._request: JoinRequest | None = None
        self.keys: dict[tuple[str, int], MediaKey] = {}
        self.own_key: MediaKey | None = None
        self.own_key_in_use: int | None = None
        self.heard: dict[str, bool] = {}
        self.shown: tuple[TileRequest, ...] = ()
        self.closed = False
        self.refused: set[TrackSource] = set()

    @property
    def frames(self) -> FakeFrames:
        return self._frames

    def watch(self, listener: Listener[MediaEvent]) -> Cancel:
        listener(DevicesChanged(self._devices))
        return self._events.listen(listener)

    def emit(self, event: MediaEvent) -> None:
        """Let something happen in the media process."""
        self._events.emit(event)

    def preview_camera(self, source: CaptureSource | None) -> None:
        if source is None:
            self._frames.show(())
            return
        identity = f"{self._world.me.user}:SAMPLE"
        self._frames.show((TileRequest(0, identity, TrackSource.CAMERA, source.width, source.height),))
        self._soon(SelfChanged(TrackSource.CAMERA, on=True, device=source.device))

    def measure_microphone(self, source: CaptureSource | None) -> None:
        if source is not None:
            self._soon(LevelMeasured(0.4))

    def test_speaker(self, device: str) -> None:
        del device

    def list_devices(self) -> None:
        self._soon(DevicesChanged(self._devices))

    def join(self, request: JoinRequest) -> None:
        self._request = request
        self.set_keys(request.keys)
        self._soon(LinkChanged(MediaLink.CONNECTING), LinkChanged(MediaLink.CONNECTED), *self._people_of(request))

    def set_keys(self, keys: tuple[MediaKey, ...]) -> None:
        for key in keys:
            self.keys[key.identity, key.index] = key

    def set_own_key(self, key: MediaKey, *, use: bool) -> None:
        self.own_key = key
        if use:
            self.own_key_in_use = key.index

    def set_microphone(self, on: bool) -> None:
        self._set(TrackSource.MICROPHONE, on)

    def set_camera(self, on: bool) -> None:
        self._set(TrackSource.CAMERA, on)

    def set_screen(self, on: bool, source: CaptureSource | None = None) -> None:
        del source
        self._set(TrackSource.SCREEN, on)

    def set_devices(self, microphone: CaptureSource, camera: CaptureSource, speaker: str) -> None:
        del microphone, camera, speaker

    def hear(self, identity: str, on: bool) -> None:
        self.heard[identity] = on

    def show(self, tiles: tuple[TileRequest, ...]) -> None:
        self.shown = tiles
        self._frames.show(tiles)

    async def close(self) -> None:
        self.closed = True
        self._frames.show(())

    def _set(self, source: TrackSource, on: bool) -> None:
        if on and source in self.refused:
            self._soon(SelfChanged(source, on=False, reason=DeviceUnavailable(device=source.value)))
            return
        self._soon(SelfChanged(source, on=on))

    def _people_of(self, request: JoinRequest) -> list[MediaEvent]:
        events: list[MediaEvent] = []
        remote = [member for member in self._world.room(request.room).call if not member.own]
        for number, member in enumerate(remote):
            events.append(ParticipantJoined(member.identity))
            events.append(TrackChanged(TrackInfo(member.identity, TrackSource.MICROPHONE, number > 0, request.encrypted)))
            if member.video:
                events.append(TrackChanged(TrackInfo(member.identity, TrackSource.CAMERA, False, request.encrypted, 320, 180)))
            events.append(EncryptionChanged(member.identity, EncryptionState.OK))
        if remote:
            events.append(SpeakersChanged(((remote[0].identity, 0.6),)))
        return events

    def _soon(self, *events: MediaEvent) -> None:
        loop = asyncio.get_running_loop()
        for event in events:
            loop.call_soon(self._tell, event)

    def _tell(self, event: MediaEvent) -> None:
        if not self.closed:
            self._events.emit(event)

    def member_left(self, identity: str) -> None:
        """A participant disconnects from the SFU."""
        self._events.emit(ParticipantLeft(identity))


class FakeMediaEngine:
    """`fails` makes opening fail; `sessions` keeps every session that was opened, newest last."""

    def __init__(self, world: FakeWorld) -> None:
        self._world = world
        self.fails = False
        self.sessions: list[FakeMediaSession] = []

    async def open(self) -> FakeMediaSession:
        if self.fails:
            raise MediaEngineFailed
        session = FakeMediaSession(self._world, await self.devices())
        self.sessions.append(session)
        return session

    async def devices(self) -> MediaDevices:
        return MediaDevices(
            microphones=(_device(DeviceKind.MICROPHONE, "Desk microphone"), _device(DeviceKind.MICROPHONE, "Headset")),
            speakers=(_device(DeviceKind.SPEAKER, "Built-in speakers"), _device(DeviceKind.SPEAKER, "Headset")),
            cameras=(_device(DeviceKind.CAMERA, "Built-in camera"),),
        )


def _device(kind: DeviceKind, name: str) -> MediaDevice:
    return MediaDevice(kind, name.lower().replace(" ", "-"), name)
