"""Comparing two devices: one sheet that follows one verification. Qt-free."""

from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

from welink_desktop.core.calls import CaptureSource, LinkChanged, MediaEvent, SelfChanged, TrackSource
from welink_desktop.core.errors import NotFound, WeLinkError, WrongCode
from welink_desktop.core.ids import DeviceId, UserId
from welink_desktop.core.log import literal, topic
from welink_desktop.core.ports.calls import FrameSource, MediaEngine, MediaSession
from welink_desktop.core.reactive import Cancel, Scope, Signal, State
from welink_desktop.core.security import RecoveryState, Verification, VerificationPhase
from welink_desktop.services.security import FINAL, AccountSecurity

_log = topic("security")


@dataclass(frozen=True, slots=True)
class Ask:
    """Whom to compare with: a person, or an own device (None: whichever answers)."""

    user: UserId | None = None
    device: DeviceId | None = None


@dataclass(frozen=True, slots=True)
class CompareState:
    """`verification` is None until the request is out. `codes`: this side wants a code instead of pictures.

    `camera`: it is looking for a code; `scanning`: the person chose to scan.
    """

    verification: Verification | None = None
    name: str = ""
    numbers: bool = False
    codes: bool = False
    scanning: bool = False
    camera: bool = False
    busy: bool = False
    nobody: bool = False
    failure: WeLinkError | None = None
    recovery_helps: bool = False


@dataclass(frozen=True, slots=True)
class ShowNumbers:
    on: bool


@dataclass(frozen=True, slots=True)
class UseCodes:
    """A code shown or scanned instead of pictures."""


@dataclass(frozen=True, slots=True)
class ComparePictures:
    pass


@dataclass(frozen=True, slots=True)
class Decide:
    same: bool


@dataclass(frozen=True, slots=True)
class BeginScan:
    pass


@dataclass(frozen=True, slots=True)
class EndScan:
    pass


@dataclass(frozen=True, slots=True)
class UseCamera:
    on: bool


@dataclass(frozen=True, slots=True)
class Scanned:
    """The bytes of codes in a picture or camera frame; none if there was none in a picture."""

    codes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class TryAgain:
    pass


@dataclass(frozen=True, slots=True)
class UseRecoveryKey:
    pass


@dataclass(frozen=True, slots=True)
class Leave:
    """Close; a running comparison is ended."""


Wish = (
    ShowNumbers
    | UseCodes
    | ComparePictures
    | Decide
    | BeginScan
    | EndScan
    | UseCamera
    | Scanned
    | TryAgain
    | UseRecoveryKey
    | Leave
)


class CompareModel:
    """One per opened sheet. With `flow` it follows a request that came in, else it asks.

    Who asked for pictures begins with them as soon as the other side is ready, so that nobody has to choose a way.
    """

    def __init__(
        self,
        security: AccountSecurity,
        media: MediaEngine,
        camera: CaptureSource,
        scope: Scope,
        *,
        ask: Ask | None = None,
        flow: str = "",
        name: str = "",
    ) -> None:
        helps = security.recovery.value.state in (RecoveryState.UNVERIFIED, RecoveryState.IDENTITY_REPLACED)
        own = ask is not None and ask.user is None
        self.state = State(CompareState(security.flow(flow), name=name, recovery_helps=helps and own, busy=ask is not None))
        self.closed: Signal[None] = Signal()
        self.recovery_wanted: Signal[None] = Signal()
        self.frames: FrameSource | None = None
        self._security, self._media, self._camera, self._scope = security, media, camera, scope
        self._ask, self._flow = ask, flow
        self._begun = self._closed = False
        self._session: MediaSession | None = None
        self._unwatch_media: Cancel | None = None
        self._release = security.hold()
        self._unwatch = security.verifications.watch(lambda _: self._follow())
        if ask is not None:
            scope.spawn(self._request(ask), name="verify")
        else:
            self._do(security.port.accept(flow))

    def close(self) -> None:
        """The sheet is gone: end what runs, forget what is over."""
        self._closed = True
        self._unwatch()
        self._release()
        if not self._scope.closed:
            self._scope.spawn(self._end(), name="verify-end")

    def act(self, wish: Wish) -> None:
        port, flow = self._security.port, self._flow
        match wish:
            case ShowNumbers(on):
                self._change(numbers=on)
            case UseCodes():
                self._change(codes=True, failure=None)
            case ComparePictures():
                self._change(codes=False, scanning=False, failure=None)
                self._stop_camera()
                self._do(port.compare(flow))
            case Decide(same):
                self._do(port.decide(flow, same))
            case BeginScan() | EndScan() | UseCamera() | Scanned():
                self._scan_wish(wish)
            case TryAgain():
                self._try_again()
            case UseRecoveryKey():
                self.recovery_wanted.emit(None)
            case Leave():
                self.closed.emit(None)

    def _scan_wish(self, wish: BeginScan | EndScan | UseCamera | Scanned) -> None:
        match wish:
            case BeginScan():
                self._change(scanning=True, failure=None)
            case EndScan():
                self._change(scanning=False, failure=None)
                self._stop_camera()
            case UseCamera(on):
                self._change(failure=None)
                if on:
                    self._scope.spawn(self._start_camera(), name="scan-camera")
                else:
                    self._stop_camera()
            case Scanned(codes):
                self._scanned(codes)

    async def _request(self, ask: Ask) -> None:
        port = self._security.port
        try:
            self._flow = await (port.verify_person(ask.user) if ask.user is not None else port.verify_device(ask.device))
        except NotFound:
            self._change(nobody=True)
        except WeLinkError as error:
            self._change(failure=error)
        finally:
            self._change(busy=False)
        if self._closed:
            await self._end()
        else:
            self._follow()

    def _follow(self) -> None:
        now = self._security.flow(self._flow)
        if now is None:
            return
        self._change(verification=now)
        if now.phase in FINAL or now.phase is not VerificationPhase.READY:
            self._change(scanning=False)
            self._stop_camera()
        ours = self._ask is not None and not self.state.value.codes
        if now.phase is VerificationPhase.READY and now.may_compare and ours and not self._begun:
            self._begun = True
            self._do(self._security.port.compare(self._flow))

    def _scanned(self, codes: tuple[bytes, ...]) -> None:
        if not codes:
            self._change(failure=WrongCode())
        elif self.state.value.scanning and not self.state.value.busy:
            self._change(busy=True)
            self._scope.spawn(self._try_codes(codes), name="scan")

    async def _try_codes(self, codes: tuple[bytes, ...]) -> None:
        """A picture may hold several codes; the first that fits counts."""
        failure: WeLinkError | None = None
        for code in codes[:5]:
            try:
                await self._security.port.scan(self._flow, code)
            except WeLinkError as error:
                failure = error
            else:
                failure = None
                break
        self._change(busy=False, failure=failure)

    def _try_again(self) -> None:
        ask, over = self._ask, self.state.value.verification
        if ask is None and over is not None:
            ask = Ask(None, over.device or None) if over.own else Ask(over.user)
        if ask is None:
            return
        self._ask, old, self._flow, self._begun = ask, self._flow, "", False
        if old:
            self._do(self._security.port.dismiss(old))
        self._change(verification=None, busy=True, nobody=False, failure=None, numbers=False, codes=False)
        self._scope.spawn(self._request(ask), name="verify")

    # The camera

    async def _start_camera(self) -> None:
        if self._session is not None:
            return
        try:
            session = await self._media.open()
        except WeLinkError as error:
            self._change(failure=error)
            return
        if self._closed or not self.state.value.scanning:
            await session.close()
            return
        self._session = session
        self._scope.add(self._close_session)
        self._unwatch_media = session.watch(self._media_event)
        self.frames = session.frames
        session.preview_camera(self._camera)
        self._change(camera=True)

    async def _close_session(self) -> None:
        """The account is closed while the camera looks."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _media_event(self, event: MediaEvent) -> None:
        match event:
            case SelfChanged(source=TrackSource.CAMERA, on=False, reason=WeLinkError() as reason):
                self._change(failure=reason)
                self._stop_camera()
            case LinkChanged(error=WeLinkError() as error):
                self._change(failure=error)
                self._stop_camera()
            case _:
                pass

    def _stop_camera(self) -> None:
        if self._scope.closed:
            return
        session, self._session, self.frames = self._session, None, None
        if self._unwatch_media is not None:
            self._unwatch_media()
            self._unwatch_media = None
        self._change(camera=False)
        if session is not None:
            self._scope.spawn(session.close(), name="scan-camera-off")

    # Inside

    async def _end(self) -> None:
        self._stop_camera()
        try:
            await self._security.port.cancel(self._flow)
            await self._security.port.dismiss(self._flow)
        except WeLinkError as error:
            _log.debug("could not end a verification", error=literal(error.key))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        self._scope.spawn(self._guarded(work), name="verify-step")

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except WeLinkError as error:
            self._change(failure=error)

    def _change(self, **changes: object) -> None:
        self.state.set(replace(self.state.value, **changes))  # type: ignore[arg-type]  # names are checked by `replace`
