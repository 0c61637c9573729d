"""Calls: signalling over Matrix, and the media engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from welink_desktop.core.calls import (
        CallMember,
        CallSignal,
        CaptureSource,
        Frame,
        JoinRequest,
        MediaDevices,
        MediaEvent,
        MediaKey,
        SfuTicket,
        TileRequest,
    )
    from welink_desktop.core.ids import RoomId
    from welink_desktop.core.ports.listener import Listener
    from welink_desktop.core.reactive import Cancel


class CallSession(Protocol):
    """Our own membership of one room's call (matrixrtc §2.4). Keeps the heartbeat and the key roll-out going."""

    def watch(self, listener: Listener[CallSignal]) -> Cancel:
        """First `MembersChanged` and all keys known so far, then the news."""

    async def ticket(self, service_url: str = "") -> SfuTicket:
        """A fresh admission to our own SFU, or to `service_url`'s. Raises `MeetingTokenRefused`, `Offline`."""

    async def set_video(self, on: bool) -> None:
        """Tell others whether our camera is on (`m.call.intent`)."""

    async def leave(self) -> None:
        """Withdraw the membership and forget all keys. Returns when the server knows, or after 5 s."""


class CallSignalling(Protocol):
    """MatrixRTC of one account. Running calls of all rooms stand in `RoomSummary.call`."""

    async def members(self, room: RoomId) -> tuple[CallMember, ...]: ...

    async def join(self, room: RoomId, *, video: bool) -> CallSession:
        """Announce this device in the room's call. One call at a time.

        Raises `NoMeetingService`, `NotAllowed`, `Offline`, `MeetingTokenRefused`.
        """


class FrameSource(Protocol):
    """The newest pictures, pulled at paint time; never blocks, never waits."""

    def changed(self) -> bool:
        """Whether any tile has a new frame since the last call."""

    def take(self, tile: int) -> Frame | None:
        """The newest frame of a tile, None before its first. Valid until the next `take` of the same tile."""


class MediaSession(Protocol):
    """One media process: from opening the lobby to leaving the meeting.

    All methods return at once (a wish is sent); the truth comes back as `MediaEvent`s.
    """

    def watch(self, listener: Listener[MediaEvent]) -> Cancel: ...

    @property
    def frames(self) -> FrameSource: ...

    def preview_camera(self, source: CaptureSource | None) -> None:
        """Show our camera in tile 0 before joining; None stops it."""

    def measure_microphone(self, source: CaptureSource | None) -> None:
        """Send `LevelMeasured` before joining; None stops it."""

    def test_speaker(self, device: str) -> None:
        """Play a short tone on the named speaker."""

    def list_devices(self) -> None:
        """Ask for `DevicesChanged`."""

    def join(self, request: JoinRequest) -> None:
        """Connect and play what is heard. Ends in `LinkChanged(CONNECTED)` or `LinkChanged(DISCONNECTED, error)`.

        May be called again after a disconnection, with a fresh ticket.
        """

    def set_keys(self, keys: tuple[MediaKey, ...]) -> None:
        """Add or overwrite keys of remote participants; keys may come before their participant."""

    def set_own_key(self, key: MediaKey, *, use: bool) -> None:
        """Make our key known; with `use`, every track of ours is encrypted with it from now on (also future tracks)."""

    def set_microphone(self, on: bool) -> None: ...

    def set_camera(self, on: bool) -> None: ...

    def set_screen(self, on: bool, source: CaptureSource | None = None) -> None:
        """Share the whole screen named by `source.device` ("" = the primary one)."""

    def set_devices(self, microphone: CaptureSource, camera: CaptureSource, speaker: str) -> None:
        """Change devices before or during a meeting."""

    def hear(self, identity: str, on: bool) -> None:
        """Play or do not play one participant's sound."""

    def show(self, tiles: tuple[TileRequest, ...]) -> None:
        """Exactly these tiles are visible; everything else is unsubscribed. Size decides the layer."""

    async def close(self) -> None:
        """Leave and end the process (killed after 3 s)."""


class MediaEngine(Protocol):
    async def open(self) -> MediaSession:
        """Start a media process. Raises `MediaEngineFailed`."""

    async def devices(self) -> MediaDevices:
        """The computer's devices, asked of a short-lived media process. Raises `MediaEngineFailed`."""
