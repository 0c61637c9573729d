"""One meeting (or lobby) over the SDK: a `MediaSession` that runs where it is created, in the media process or elsewhere."""

import asyncio
import warnings
from collections.abc import Callable

from livekit import rtc

from welink_desktop.adapters.media.arena import with_preview
from welink_desktop.adapters.media.process import router as frame_router
from welink_desktop.adapters.media.process.board import OWN, MemoryBoard, PictureBoard
from welink_desktop.adapters.media.process.capture import Capture
from welink_desktop.adapters.media.process.feeds import Feed, MicrophoneFeed, SampleFeed, VideoFeed
from welink_desktop.adapters.media.process.keys import FrameKeys, encryption_options
from welink_desktop.adapters.media.process.lobby import Lobby
from welink_desktop.adapters.media.process.publishing import Outgoing
from welink_desktop.adapters.media.process.reception import Reception
from welink_desktop.adapters.media.process.sound import Sound
from welink_desktop.core.calls import (
    CaptureKind,
    CaptureSource,
    JoinRequest,
    LinkChanged,
    MediaEvent,
    MediaKey,
    MediaLink,
    SpeakerChanged,
    TileRequest,
    TrackSource,
)
from welink_desktop.core.errors import DeviceUnavailable, MeetingServerUnreachable, WeLinkError
from welink_desktop.core.log import literal, topic
from welink_desktop.core.ports.calls import FrameSource
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, Scope, Signal

_log = topic("media")
_CONNECT_SECONDS = 20.0
_LEAVE_SECONDS = 3.0


class SfuSession:
    """Bound to the running loop; many may live in one process. Implements `MediaSession`.

    `board` takes the pictures (default: this process's memory, see `frames`). `sound`: the computer's sound; None plays
    nothing and has no real microphone; it still subscribes to sound with `listen`, without which the SFU tells no speakers.
    `restart` is called when a chosen sound device needs a new process.
    """

    def __init__(
        self,
        *,
        board: PictureBoard | None = None,
        sound: Sound | None = None,
        listen: bool = False,
        restart: Callable[[], None] | None = None,
    ) -> None:
        self._events: Signal[MediaEvent] = Signal()
        self._memory = MemoryBoard()
        self._board: PictureBoard = board or self._memory
        self._sound = sound
        self._listen = listen or sound is not None
        self._restart = restart
        self._scope = Scope("meeting")
        self._connecting = Scope("connecting")
        self._router = frame_router.acquire()
        self._keys = FrameKeys()
        self._room: rtc.Room | None = None
        self._reception: Reception | None = None
        self._request: JoinRequest | None = None
        self._microphone_wish = CaptureSource()
        self._speaker = ""
        self._tiles: tuple[TileRequest, ...] = ()
        self._unheard: frozenset[str] = frozenset()
        self._changing = asyncio.Lock()
        self._joins: set[asyncio.Task[None]] = set()
        self._camera_capture = self._capture(TrackSource.CAMERA)
        self._screen_capture = self._capture(TrackSource.SCREEN)
        deliver = self._events.emit
        self._microphone = Outgoing(TrackSource.MICROPHONE, self._scope, self._microphone_feed, self._keys, deliver)
        self._camera = Outgoing(TrackSource.CAMERA, self._scope, self._camera_feed, self._keys, deliver)
        self._screen = Outgoing(TrackSource.SCREEN, self._scope, self._screen_feed, self._keys, deliver, unpublish=True)
        self._lobby = Lobby(self._scope, self._camera_capture, sound, deliver)

    # MediaSession

    def watch(self, listener: Listener[MediaEvent]) -> Cancel:
        return self._events.listen(listener)

    @property
    def frames(self) -> FrameSource:
        return self._memory

    def preview_camera(self, source: CaptureSource | None) -> None:
        self._lobby.preview(source)
        self._arrange()

    def measure_microphone(self, source: CaptureSource | None) -> None:
        self._lobby.measure(source)

    def test_speaker(self, device: str) -> None:
        self._lobby.test_speaker(device)

    def list_devices(self) -> None:
        self._lobby.list_devices()

    def join(self, request: JoinRequest) -> None:
        if self._scope.closed:
            return
        task = self._connecting.spawn(self._join(request), name="join")
        self._joins.add(task)
        task.add_done_callback(self._joins.discard)

    def set_keys(self, keys: tuple[MediaKey, ...]) -> None:
        self._keys.add(keys)

    def set_own_key(self, key: MediaKey, *, use: bool) -> None:
        self._keys.set_own(key, use=use)

    def set_microphone(self, on: bool) -> None:
        self._microphone.want(on)

    def set_camera(self, on: bool) -> None:
        self._camera.want(on)

    def set_screen(self, on: bool, source: CaptureSource | None = None) -> None:
        self._scope.spawn(self._share(on, source), name="share")

    def set_devices(self, microphone: CaptureSource, camera: CaptureSource, speaker: str) -> None:
        self._scope.spawn(self._change_devices(microphone, camera, speaker), name="devices")

    def hear(self, identity: str, on: bool) -> None:
        self._unheard = self._unheard - {identity} if on else self._unheard | {identity}
        if self._reception is not None:
            self._reception.hear(self._unheard)

    def show(self, tiles: tuple[TileRequest, ...]) -> None:
        self._tiles = tiles
        self._arrange()
        if self._reception is not None:
            self._reception.show(tiles)

    async def close(self) -> None:
        """Leave the room and free every device. Idempotent."""
        if self._scope.closed:
            return
        if self._joins:
            # A cancelled connect would leave the native side waiting for us, which it answers with a panic.
            await asyncio.wait(tuple(self._joins), timeout=2 * _CONNECT_SECONDS)
        await self._connecting.aclose()
        for outgoing in (self._microphone, self._camera, self._screen):
            await outgoing.close()
        await self._leave_room()
        await self._lobby.close()
        await self._camera_capture.close()
        await self._screen_capture.close()
        await self._scope.aclose()
        self._keys.forget()
        await frame_router.release()
        if self._sound is not None:
            self._sound.close()

    # Joining and leaving

    async def _join(self, request: JoinRequest) -> None:
        async with self._changing:
            await self._leave_room()
            self._request = request
            self._events.emit(LinkChanged(MediaLink.CONNECTING))
            self._take_devices(request)
            self._keys.add(request.keys)
            if request.own_key is not None:
                self._keys.set_own(request.own_key, use=True)
            await self._open_sound()
            try:
                await self._connect(request)
            except (rtc.ConnectError, TimeoutError) as error:
                _log.warning("no connection to the meeting server", error=literal(type(error).__name__))
                await self._leave_room()
                self._events.emit(LinkChanged(MediaLink.DISCONNECTED, MeetingServerUnreachable()))

    async def _connect(self, request: JoinRequest) -> None:
        room = rtc.Room()
        self._reception = Reception(
            room, self._router, self._board, self._events.emit, encrypted=request.encrypted, sound=self._listen
        )
        self._reception.hear(self._unheard)
        self._reception.show(self._tiles)
        handlers = {
            "reconnecting": self._reconnecting,
            "reconnected": self._reconnected,
            "disconnected": self._disconnected,
            "local_track_republished": lambda *_: self._keys.apply_index(),
            "track_muted": self._own_track_muted,
        }
        for event, handler in handlers.items():
            room.on(event, handler)  # type: ignore[arg-type]  # the dictionary's keys are event names
        # The newer option would also encrypt data packets, by the index of whichever key was set last (matrixrtc §4.6).
        warnings.filterwarnings("ignore", message="options.e2ee is deprecated", category=DeprecationWarning)
        options = rtc.RoomOptions(
            auto_subscribe=False,
            dynacast=True,
            e2ee=encryption_options() if request.encrypted else None,
            connect_timeout=_CONNECT_SECONDS,
        )
        await room.connect(request.ticket.url, request.ticket.token, options)
        self._room = room
        if request.encrypted:
            self._keys.attach(room)
        self._arrange()
        self._events.emit(LinkChanged(MediaLink.CONNECTED))
        self._reception.start()
        for outgoing in (self._microphone, self._camera, self._screen):
            outgoing.attach(room)

    async def _leave_room(self) -> None:
        for outgoing in (self._microphone, self._camera, self._screen):
            outgoing.detach()
        self._keys.detach()
        reception, self._reception = self._reception, None
        if reception is not None:
            await reception.close()
        room, self._room = self._room, None
        if room is not None:
            try:
                await asyncio.wait_for(room.disconnect(), _LEAVE_SECONDS)
            except TimeoutError:
                _log.warning("the meeting server did not confirm leaving")
        if self._sound is not None:
            self._sound.connected(False)

    def _reconnecting(self) -> None:
        self._events.emit(LinkChanged(MediaLink.RECONNECTING))

    def _reconnected(self) -> None:
        self._keys.apply_index()
        if self._reception is not None:
            self._reception.again()
        self._events.emit(LinkChanged(MediaLink.CONNECTED))

    def _disconnected(self, reason: object) -> None:
        """The SDK gave up, or the server sent us away; it does not try again."""
        if self._room is None or self._scope.closed:
            return
        _log.warning("the meeting server is gone", reason=literal(rtc.DisconnectReason.Name(reason)))  # type: ignore[arg-type]  # an enum number
        self._connecting.spawn(self._lost(self._room), name="lost")

    async def _lost(self, room: rtc.Room) -> None:
        async with self._changing:
            if self._room is not room:
                return
            await self._leave_room()
            self._events.emit(LinkChanged(MediaLink.DISCONNECTED, MeetingServerUnreachable()))

    def _own_track_muted(self, participant: rtc.Participant, publication: rtc.TrackPublication) -> None:
        if isinstance(participant, rtc.LocalParticipant):
            for outgoing in (self._microphone, self._camera, self._screen):
                if outgoing.sid == publication.sid:
                    outgoing.muted_by_server()

    # Devices

    def _take_devices(self, request: JoinRequest) -> None:
        self._microphone_wish = request.microphone
        self._speaker = request.speaker
        self._scope.spawn(self._configure_camera(request.camera), name="camera-choice")

    async def _open_sound(self) -> None:
        """Choose the speaker while the SDK still allows it. A meeting without sound goes on."""
        if self._sound is None:
            return
        try:
            await asyncio.to_thread(self._sound.choose_speaker, self._speaker)
            self._sound.connected(True)
            self._events.emit(SpeakerChanged(True, self._speaker))
        except DeviceUnavailable as error:
            self._events.emit(SpeakerChanged(False, self._speaker, error))

    async def _change_devices(self, microphone: CaptureSource, camera: CaptureSource, speaker: str) -> None:
        await self._configure_camera(camera)
        if microphone != self._microphone_wish:
            before, self._microphone_wish = self._microphone_wish, microphone
            if self._room is not None and CaptureKind.REAL in (before.kind, microphone.kind) and before.kind == microphone.kind:
                self._switch(lambda sound: sound.choose_microphone(microphone.device), TrackSource.MICROPHONE)
            self._microphone.renew()
        if speaker != self._speaker:
            self._speaker = speaker
            if self._room is not None:
                self._switch(lambda sound: sound.choose_speaker(speaker), None)

    def _switch(self, choose: Callable[[Sound], bool], source: TrackSource | None) -> None:
        if self._sound is None:
            return
        try:
            if not choose(self._sound) and self._restart is not None:
                self._restart()
        except DeviceUnavailable as error:
            if source is TrackSource.MICROPHONE:
                self._microphone.lost(error)
            else:
                self._events.emit(SpeakerChanged(False, self._speaker, error))

    async def _configure_camera(self, camera: CaptureSource) -> None:
        if camera == self._camera_capture.wish:
            return
        try:
            await self._camera_capture.configure(camera)
            self._camera.renew()
        except WeLinkError as error:
            self._camera.lost(error)

    async def _share(self, on: bool, source: CaptureSource | None) -> None:
        if on and source is not None and source != self._screen_capture.wish:
            try:
                await self._screen_capture.configure(source)
                self._screen.renew()
            except WeLinkError as error:
                self._screen.lost(error)
                return
        self._screen.want(on)

    # Parts

    def _capture(self, source: TrackSource) -> Capture:
        return Capture(
            source,
            lambda picture: self._board.put(OWN, source, picture),
            lambda error: self._outgoing(source).lost(error),
        )

    def _outgoing(self, source: TrackSource) -> Outgoing:
        return self._camera if source is TrackSource.CAMERA else self._screen

    def _microphone_feed(self) -> Feed:
        if self._microphone_wish.kind is not CaptureKind.REAL:
            return SampleFeed(self._microphone_wish)
        if self._sound is None:
            raise DeviceUnavailable("no sound", device="microphone")
        return MicrophoneFeed(self._sound, self._microphone_wish)

    def _camera_feed(self) -> Feed:
        return VideoFeed(self._camera_capture, TrackSource.CAMERA)

    def _screen_feed(self) -> Feed:
        return VideoFeed(self._screen_capture, TrackSource.SCREEN)

    def _arrange(self) -> None:
        own = self._request.ticket.identity if self._request is not None else OWN
        self._board.arrange(with_preview(self._tiles, self._lobby.previews), own)
