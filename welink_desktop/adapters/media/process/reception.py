"""What comes from others: participants, tracks, subscriptions that follow the visible tiles, speakers, silence."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from livekit import rtc

from welink_desktop.adapters.media.process.board import PictureBoard
from welink_desktop.adapters.media.process.pictures import Picture
from welink_desktop.adapters.media.process.router import Router, VideoTap
from welink_desktop.adapters.media.process.subscription import Subscription
from welink_desktop.core.calls import (
    EncryptionChanged,
    EncryptionState,
    MediaEvent,
    ParticipantJoined,
    ParticipantLeft,
    Quality,
    QualityChanged,
    SilenceNoticed,
    SpeakersChanged,
    TileRequest,
    TrackChanged,
    TrackGone,
    TrackInfo,
    TrackSource,
)
from welink_desktop.core.reactive import Scope

SPEAKER_PERIOD = 0.2
SILENT_SECONDS = 2.0
ASK_AGAIN_SECONDS = 3.0
LINGER_SECONDS = 1.0
"""A picture that left the page is received a moment longer: people scroll back, and a new subscription costs a key frame."""
_SOURCES: dict[object, TrackSource] = {
    rtc.TrackSource.SOURCE_MICROPHONE: TrackSource.MICROPHONE,
    rtc.TrackSource.SOURCE_CAMERA: TrackSource.CAMERA,
    rtc.TrackSource.SOURCE_SCREENSHARE: TrackSource.SCREEN,
    rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO: TrackSource.SCREEN_SOUND,
}
_STATES: dict[object, EncryptionState] = {
    rtc.EncryptionState.OK: EncryptionState.OK,
    rtc.EncryptionState.KEY_RATCHETED: EncryptionState.OK,
    rtc.EncryptionState.MISSING_KEY: EncryptionState.WAITING_FOR_KEY,
    rtc.EncryptionState.ENCRYPTION_FAILED: EncryptionState.FAILED,
    rtc.EncryptionState.DECRYPTION_FAILED: EncryptionState.FAILED,
    rtc.EncryptionState.INTERNAL_ERROR: EncryptionState.FAILED,
}
_QUALITIES: dict[object, Quality] = {
    rtc.ConnectionQuality.QUALITY_EXCELLENT: Quality.GOOD,
    rtc.ConnectionQuality.QUALITY_GOOD: Quality.FAIR,
    rtc.ConnectionQuality.QUALITY_POOR: Quality.POOR,
    rtc.ConnectionQuality.QUALITY_LOST: Quality.LOST,
}


def layer_for(height: int) -> "rtc.VideoQuality.ValueType":
    """The simulcast layer whose 180, 360 or 720 lines suffice for a tile, with a tenth of tolerance."""
    if height <= 200:
        return rtc.VideoQuality.VIDEO_QUALITY_LOW
    return rtc.VideoQuality.VIDEO_QUALITY_MEDIUM if height <= 400 else rtc.VideoQuality.VIDEO_QUALITY_HIGH


@dataclass(slots=True)
class _Incoming:
    """One remote publication and what we did with it."""

    identity: str
    source: TrackSource
    publication: rtc.RemoteTrackPublication
    subscription: Subscription
    layer: int | None = None
    tap: VideoTap | None = None
    last: float = 0.0
    asked: float = 0.0
    silent: bool = False
    size: tuple[int, int] = field(default=(0, 0))

    @property
    def video(self) -> bool:
        return self.publication.kind == rtc.TrackKind.KIND_VIDEO

    @property
    def encrypted(self) -> bool:
        return self.publication.encryption_type != rtc.EncryptionType.NONE


class Reception:
    """Of one room. `sound` false: nothing audible is subscribed (scripted colleagues)."""

    def __init__(
        self,
        room: rtc.Room,
        router: Router,
        board: PictureBoard,
        deliver: Callable[[MediaEvent], None],
        *,
        encrypted: bool,
        sound: bool,
    ) -> None:
        self._room = room
        self._router = router
        self._board = board
        self._deliver = deliver
        self._encrypted = encrypted
        self._sound = sound
        self._tracks: dict[str, _Incoming] = {}
        self._tiles: dict[tuple[str, TrackSource], int] = {}
        self._unheard: frozenset[str] = frozenset()
        self._states: dict[str, EncryptionState] = {}
        self._speakers: tuple[str, ...] = ()
        self._speakers_due: asyncio.TimerHandle | None = None
        self._speakers_told = 0.0
        self._scope = Scope("reception")
        for event, handler in self._handlers():
            room.on(event, handler)

    def start(self) -> None:
        """The room is connected: tell what is there already."""
        for participant in self._room.remote_participants.values():
            self._participant_joined(participant)
        self._scope.spawn(self._watch_silence(), name="silence")

    def show(self, tiles: tuple[TileRequest, ...]) -> None:
        wanted: dict[tuple[str, TrackSource], int] = {}
        for tile in tiles:
            place = (tile.identity, tile.source)
            wanted[place] = max(wanted.get(place, 0), tile.height)
        self._tiles = wanted
        self._settle_all()

    def hear(self, unheard: frozenset[str]) -> None:
        self._unheard = unheard
        self._settle_all()

    def again(self) -> None:
        """After a reconnection: what the SFU forgot is asked for again."""
        for participant in self._room.remote_participants.values():
            for publication in participant.track_publications.values():
                self._published(publication, participant)
        for track in self._tracks.values():
            track.subscription.insist()
            track.layer = None
            self._choose_layer(track)

    async def close(self) -> None:
        for event, handler in self._handlers():
            self._room.off(event, handler)
        if self._speakers_due is not None:
            self._speakers_due.cancel()
        for track in self._tracks.values():
            self._drop(track)
        self._tracks.clear()
        await self._scope.aclose()

    def _handlers(self) -> "Iterator[tuple[rtc.room.EventTypes, Callable[..., None]]]":
        yield "participant_connected", self._participant_joined
        yield "participant_disconnected", self._participant_left
        yield "track_published", self._published
        yield "track_unpublished", self._unpublished
        yield "track_subscribed", self._subscribed
        yield "track_unsubscribed", self._unsubscribed
        yield "track_muted", self._muted
        yield "track_unmuted", self._muted
        yield "active_speakers_changed", self._speaking
        yield "e2ee_state_changed", self._encryption
        yield "connection_quality_changed", self._quality

    def _participant_joined(self, participant: rtc.RemoteParticipant) -> None:
        self._deliver(ParticipantJoined(participant.identity))
        for publication in tuple(participant.track_publications.values()):
            self._published(publication, participant)

    def _participant_left(self, participant: rtc.RemoteParticipant) -> None:
        for sid in [sid for sid, track in self._tracks.items() if track.identity == participant.identity]:
            self._drop(self._tracks.pop(sid))
        self._states.pop(participant.identity, None)
        self._deliver(ParticipantLeft(participant.identity))

    def _published(self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        known = self._tracks.get(publication.sid)
        if known is None or known.publication is not publication:
            if known is not None:
                self._drop(known)
            video = publication.kind == rtc.TrackKind.KIND_VIDEO
            source = _SOURCES.get(publication.source, TrackSource.CAMERA if video else TrackSource.MICROPHONE)
            known = self._incoming(participant.identity, source, publication)
            self._tracks[publication.sid] = known
        self._tell(known)
        if self._encrypted and not known.encrypted:
            self._deliver(EncryptionChanged(known.identity, EncryptionState.FAILED))
        self._settle(known)

    def _unpublished(self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        track = self._tracks.pop(publication.sid, None)
        if track is not None:
            self._drop(track)
            self._deliver(TrackGone(participant.identity, track.source))

    def _subscribed(self, native: rtc.Track, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        del participant
        track = self._tracks.get(publication.sid)
        if track is None or not isinstance(native, rtc.RemoteVideoTrack):
            return
        self._close_tap(track)
        track.last = time.monotonic()
        track.tap = self._router.open(native, lambda picture: self._arrived(track, picture))
        self._choose_layer(track)

    def _unsubscribed(
        self, native: rtc.Track, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        del native, participant
        track = self._tracks.get(publication.sid)
        if track is not None:
            self._close_tap(track)

    def _muted(self, participant: rtc.Participant, publication: rtc.TrackPublication) -> None:
        del participant
        track = self._tracks.get(publication.sid)
        if track is not None:
            track.last = time.monotonic()
            self._tell(track)

    def _arrived(self, track: _Incoming, picture: Picture) -> None:
        track.last = time.monotonic()
        if track.silent:
            track.silent = False
            self._deliver(SilenceNoticed(track.identity, 0))
        width, height = track.size
        if abs(picture.width * height - picture.height * width) > width * height // 20 or not width:
            track.size = (picture.width, picture.height)
            self._tell(track)
        self._board.put(track.identity, track.source, picture)

    def _tell(self, track: _Incoming) -> None:
        info = TrackInfo(track.identity, track.source, track.publication.muted, track.encrypted, *track.size)
        self._deliver(TrackChanged(info))

    def _settle_all(self) -> None:
        for track in tuple(self._tracks.values()):
            self._settle(track)

    def _settle(self, track: _Incoming) -> None:
        """Bring one subscription and its layer to what is wanted. A clear track in an encrypted room is refused."""
        if self._encrypted and not track.encrypted:
            wanted = False
        elif track.video:
            wanted = (track.identity, track.source) in self._tiles
        else:
            wanted = self._sound and track.identity not in self._unheard
        track.subscription.want(wanted, linger=LINGER_SECONDS if track.video else 0.0)
        if wanted:
            self._choose_layer(track)

    def _incoming(self, identity: str, source: TrackSource, publication: rtc.RemoteTrackPublication) -> _Incoming:
        subscription = Subscription(publication.set_subscribed, lambda: self._switched(track))
        track = _Incoming(identity, source, publication, subscription, size=(publication.width, publication.height))
        return track

    def _switched(self, track: _Incoming) -> None:
        track.layer = None
        track.last = track.asked = time.monotonic()

    def _choose_layer(self, track: _Incoming) -> None:
        if not track.video or not track.publication.simulcasted or track.tap is None:
            return
        layer = layer_for(self._tiles.get((track.identity, track.source), 0))
        if layer != track.layer:
            track.layer = layer
            track.publication.set_video_quality(layer)

    def _drop(self, track: _Incoming) -> None:
        track.subscription.close()
        self._close_tap(track)

    def _close_tap(self, track: _Incoming) -> None:
        tap, track.tap = track.tap, None
        if tap is not None:
            tap.close()

    def _speaking(self, speakers: list[rtc.Participant]) -> None:
        self._speakers = tuple(participant.identity for participant in speakers)
        if self._speakers_due is None:
            wait = max(0.0, self._speakers_told + SPEAKER_PERIOD - time.monotonic())
            self._speakers_due = asyncio.get_running_loop().call_later(wait, self._tell_speakers)

    def _tell_speakers(self) -> None:
        self._speakers_due = None
        self._speakers_told = time.monotonic()
        # The SDK gives the order of loudness, not the loudness.
        levels = tuple((identity, max(0.3, 1 - 0.15 * place)) for place, identity in enumerate(self._speakers))
        self._deliver(SpeakersChanged(levels))

    def _encryption(self, participant: rtc.Participant | None, state: object) -> None:
        known = _STATES.get(state)
        if participant is None or known is None or self._states.get(participant.identity) is known:
            return
        self._states[participant.identity] = known
        self._deliver(EncryptionChanged(participant.identity, known))

    def _quality(self, participant: rtc.Participant | None, quality: object) -> None:
        if participant is not None:
            self._deliver(QualityChanged(participant.identity, _QUALITIES.get(quality, Quality.UNKNOWN)))

    async def _watch_silence(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            now = time.monotonic()
            for track in tuple(self._tracks.values()):
                if not track.video or not track.subscription.on or track.publication.muted:
                    continue
                if track.tap is None and now - track.asked > ASK_AGAIN_SECONDS:
                    track.asked = now
                    track.subscription.insist()
                if not track.silent and now - track.last > SILENT_SECONDS:
                    track.silent = True
                    self._deliver(SilenceNoticed(track.identity, int((now - track.last) * 1000)))
