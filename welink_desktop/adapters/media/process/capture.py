"""One picture source of ours, shared by its consumers: the lobby's preview and the published track."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from welink_desktop.adapters.media.process.camera import Camera
from welink_desktop.adapters.media.process.pictures import Picture
from welink_desktop.adapters.media.process.screen import Screen
from welink_desktop.adapters.media.process.sources import DrawnPicture, FilmPicture, is_still
from welink_desktop.core.calls import CaptureKind, CaptureSource, TrackSource
from welink_desktop.core.errors import DeviceUnavailable, WeLinkError

Consumer = Callable[[Picture], None]
FIRST_PICTURE_SECONDS = 4.0


class PictureSource(Protocol):
    """A camera, a screen, a file or a drawing."""

    @property
    def name(self) -> str:
        """What the person calls it; "" for the default one."""

    def start(self, deliver: Consumer, failed: Callable[[WeLinkError], None]) -> None:
        """Begin; `deliver` and `failed` are called from any thread. Returns at once. After `failed` the source has ended."""

    async def stop(self) -> None:
        """End, and give the device free. Nothing is delivered afterwards."""


def open_source(track: TrackSource, wish: CaptureSource) -> PictureSource:
    """Raises `DeviceUnavailable` for a file that is missing or no picture."""
    if wish.kind is CaptureKind.SYNTHETIC or (wish.kind is CaptureKind.FILE and is_still(wish.path)):
        return DrawnPicture(wish, bars=wish.kind is CaptureKind.SYNTHETIC)
    if wish.kind is CaptureKind.FILE:
        return FilmPicture(wish)
    return Screen(wish) if track is TrackSource.SCREEN else Camera(wish)


class Capture:
    """Runs while it has consumers. Loop-confined; pictures arrive from any thread.

    `lost` tells once that the running source failed (unplugged camera); its consumers are gone then.
    """

    def __init__(self, track: TrackSource, show: Consumer, lost: Callable[[WeLinkError], None]) -> None:
        self._track = track
        self._show = show
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._wish = CaptureSource()
        self._source: PictureSource | None = None
        self._consumers: dict[str, Consumer] = {}
        self._size: asyncio.Future[tuple[int, int]] | None = None
        self._lock = asyncio.Lock()

    @property
    def device(self) -> str:
        return self._source.name if self._source is not None else ""

    @property
    def wish(self) -> CaptureSource:
        return self._wish

    async def configure(self, wish: CaptureSource) -> None:
        """Use another source, at once if one is running. Raises `DeviceUnavailable`."""
        async with self._lock:
            if wish == self._wish:
                return
            self._wish = wish
            if self._source is not None:
                await self._stop()
                await self._start()

    async def add(self, name: str, consumer: Consumer) -> tuple[int, int]:
        """Deliver to `consumer`, too. Returns the size of the pictures. Raises `DeviceUnavailable`."""
        async with self._lock:
            if self._source is None:
                await self._start()
            self._consumers[name] = consumer
            assert self._size is not None
            return self._size.result()

    async def remove(self, name: str) -> None:
        async with self._lock:
            self._consumers.pop(name, None)
            if not self._consumers:
                await self._stop()

    async def close(self) -> None:
        async with self._lock:
            self._consumers.clear()
            await self._stop()

    async def _start(self) -> None:
        source = open_source(self._track, self._wish)
        self._source, self._size = source, self._loop.create_future()
        source.start(self._deliver, lambda error: self._tell(self._failed, error))
        try:
            await asyncio.wait_for(asyncio.shield(self._size), FIRST_PICTURE_SECONDS)
        except TimeoutError:
            await self._stop()
            raise DeviceUnavailable("no picture came", device=source.name) from None
        except WeLinkError:
            await self._stop()
            raise

    async def _stop(self) -> None:
        source, self._source = self._source, None
        if self._size is not None and not self._size.done():
            self._size.cancel()
        if source is not None:
            await source.stop()

    def _deliver(self, picture: Picture) -> None:
        size = self._size
        if size is not None and not size.done():
            self._tell(_resolve, (size, (picture.width, picture.height)))
        self._show(picture)
        for consumer in tuple(self._consumers.values()):
            consumer(picture)

    def _tell(self, call: Callable[..., None], argument: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, argument)
        except RuntimeError:
            return  # the loop ended before its camera thread

    def _failed(self, error: WeLinkError) -> None:
        if self._size is not None and not self._size.done():
            self._size.set_exception(error)
            return
        if self._source is not None:
            self._source = None
            self._consumers.clear()
            self._lost(error)


def _resolve(argument: "tuple[asyncio.Future[tuple[int, int]], tuple[int, int]]") -> None:
    future, size = argument
    if not future.done():
        future.set_result(size)
