"""Frames from the SDK to their sinks: one subscriber of the native events for all tracks, newest frame wins.

The public `VideoStream` copies each frame and offers each event to each stream; with 25 tiles that costs 0.1 core more. This
uses private parts of livekit 1.2.1 (pinned) and falls back to the public stream where they are missing.
"""

import asyncio
import ctypes
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from livekit import rtc

from welink_desktop.adapters.media.process.pictures import Picture, from_planes
from welink_desktop.core.log import topic
from welink_desktop.core.reactive import Scope

try:
    from livekit.rtc._ffi_client import FfiClient, FfiHandle
    from livekit.rtc._proto import ffi_pb2 as ffi
    from livekit.rtc._proto import video_frame_pb2 as frames

    PRIVATE = True
except ImportError:  # another SDK version: the public stream serves
    PRIVATE = False

_log = topic("media")
_DEGREES: dict[object, int] = {
    rtc.VideoRotation.VIDEO_ROTATION_90: 90,
    rtc.VideoRotation.VIDEO_ROTATION_180: 180,
    rtc.VideoRotation.VIDEO_ROTATION_270: 270,
}
Sink = Callable[[Picture], None]


class VideoTap(Protocol):
    """A running delivery of one track's pictures."""

    def close(self) -> None: ...


class FrameRouter:
    """Routes native video events of this loop by stream handle."""

    def __init__(self, scope: Scope) -> None:
        self._sinks: dict[int, Sink] = {}
        self._ours: set[int] = set()
        self._queue = FfiClient.instance.queue.subscribe(
            asyncio.get_running_loop(), lambda event: event.WhichOneof("message") == "video_stream_event"
        )
        scope.add(self._unsubscribe)
        scope.spawn(self._run(), name="frames")

    def open(self, track: rtc.RemoteVideoTrack, sink: Sink) -> VideoTap:
        request = ffi.FfiRequest()
        new = request.new_video_stream
        new.track_handle = track._ffi_handle.handle
        new.type = frames.VideoStreamType.VIDEO_STREAM_NATIVE
        new.format = frames.VideoBufferType.I420
        new.normalize_stride = True
        handle = FfiClient.instance.request(request).new_video_stream.stream.handle.id
        self._sinks[handle] = sink
        self._ours.add(handle)
        return _Routed(self._sinks, handle)

    def _unsubscribe(self) -> None:
        FfiClient.instance.queue.unsubscribe(self._queue)

    async def _run(self) -> None:
        while True:
            events = [await self._queue.get()]
            while not self._queue.empty():
                events.append(self._queue.get_nowait())
            self._route(events)

    def _route(self, events: "list[ffi.FfiEvent]") -> None:
        newest: dict[int, ffi.FfiEvent] = {}
        for event in events:
            stream = event.video_stream_event
            if stream.stream_handle not in self._ours or not stream.HasField("frame_received"):
                continue
            if stream.stream_handle not in self._sinks:
                _drop(event)
                continue
            skipped = newest.get(stream.stream_handle)
            if skipped is not None:
                _drop(skipped)
            newest[stream.stream_handle] = event
        for handle, event in newest.items():
            try:
                self._sinks[handle](_picture(event))
            except Exception as error:
                _log.error("a frame could not be shown", exc=error)
            finally:
                _drop(event)


class _Routed:
    def __init__(self, sinks: dict[int, Sink], handle: int) -> None:
        self._sinks = sinks
        self._handle = FfiHandle(handle)

    def close(self) -> None:
        self._sinks.pop(self._handle.handle, None)
        self._handle.dispose()


def _drop(event: "ffi.FfiEvent") -> None:
    FfiHandle(event.video_stream_event.frame_received.buffer.handle.id).dispose()


def _picture(event: "ffi.FfiEvent") -> Picture:
    """A view of the native frame: valid until the handle is dropped. Odd sides are copied."""
    frame = event.video_stream_event.frame_received
    info = frame.buffer.info
    rotation = _DEGREES.get(frame.rotation, 0)
    if info.width % 2 == 0 and info.height % 2 == 0:
        size = info.width * info.height * 3 // 2
        memory = (ctypes.c_uint8 * size).from_address(info.data_ptr)
        data = np.frombuffer(memoryview(memory), np.uint8).reshape(info.height * 3 // 2, info.width)
        return Picture(data, info.width, info.height, rotation, frame.timestamp_us, time.monotonic_ns())
    shapes = [(info.height, info.width)] + 2 * [((info.height + 1) // 2, (info.width + 1) // 2)]
    planes = []
    for component, (rows, columns) in zip(info.components, shapes, strict=False):
        memory = (ctypes.c_uint8 * (component.stride * rows)).from_address(component.data_ptr)
        planes.append(np.frombuffer(memoryview(memory), np.uint8).reshape(rows, component.stride)[:, :columns])
    return from_planes(planes[0], planes[1], planes[2], rotation, frame.timestamp_us)


class StreamRouter:
    """The same over the public API."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def open(self, track: rtc.RemoteVideoTrack, sink: Sink) -> VideoTap:
        return _Streamed(self._scope, track, sink)


class _Streamed:
    def __init__(self, scope: Scope, track: rtc.RemoteVideoTrack, sink: Sink) -> None:
        self._stream = rtc.VideoStream(track, capacity=1, format=rtc.VideoBufferType.I420)
        self._sink = sink
        self._scope = scope
        self._task = scope.spawn(self._run(), name="stream")

    async def _run(self) -> None:
        async for event in self._stream:
            frame = event.frame
            rows, columns = frame.height, frame.width
            chroma = ((rows + 1) // 2, (columns + 1) // 2)
            data = np.frombuffer(frame.data, np.uint8)
            luma, blue, red = np.split(data, [rows * columns, rows * columns + chroma[0] * chroma[1]])
            picture = from_planes(
                luma.reshape(rows, columns),
                blue.reshape(chroma),
                red.reshape(chroma),
                _DEGREES.get(event.rotation, 0),
                event.timestamp_us,
            )
            self._sink(picture)

    def close(self) -> None:
        self._task.cancel()
        if not self._scope.closed:
            self._scope.spawn(self._stream.aclose(), name="close-stream")


Router = FrameRouter | StreamRouter


@dataclass(slots=True)
class _Shared:
    router: Router
    scope: Scope
    users: int = 0


_shared: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared]" = weakref.WeakKeyDictionary()


def acquire() -> Router:
    """The router of the running loop, shared by all its sessions. Each `acquire` needs a `release`."""
    loop = asyncio.get_running_loop()
    shared = _shared.get(loop)
    if shared is None:
        scope = Scope("router")
        shared = _Shared(FrameRouter(scope) if PRIVATE else StreamRouter(scope), scope)
        _shared[loop] = shared
    shared.users += 1
    return shared.router


async def release() -> None:
    """Give the router back; the last one ends it."""
    loop = asyncio.get_running_loop()
    shared = _shared[loop]
    shared.users -= 1
    if shared.users == 0:
        del _shared[loop]
        await shared.scope.aclose()
