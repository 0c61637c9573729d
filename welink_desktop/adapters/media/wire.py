"""Messages between the app and the media process: frozen records ↔ length-prefixed JSON.

One message is a `u32` little-endian length and a UTF-8 JSON object of at most 1 MiB. `op` messages go from the app to the
media process, `event` messages come back. Unknown fields are ignored; anything else that does not fit is a `WireError`,
which ends the connection. Secrets travel here and nowhere else.
"""

import asyncio
import base64
import binascii
import dataclasses
import enum
import functools
import json
import math
import re
import struct
import types
import typing
from dataclasses import dataclass

from welink_desktop.core import calls, errors
from welink_desktop.core.calls import CaptureSource, JoinRequest, MediaKey, TrackSource
from welink_desktop.core.errors import WeLinkError

VERSION = 1
MAX_BYTES = 1 << 20
_LENGTH = struct.Struct("<I")
_MAX_INT = (1 << 53) - 1


class WireError(Exception):
    """The other side sent something that is no message. The text names the place, never the content."""


class UnknownOperation(WireError):
    """A well-formed message with a name that this version does not know."""


@dataclass(frozen=True, slots=True)
class TileLayout:
    """A tile's place in the arena: directory entry, and 3 slots of `slot_bytes` from `offset` of the bank on."""

    entry: int
    identity: str
    source: TrackSource
    width: int
    height: int
    fps: int
    offset: int
    slot_bytes: int


# App → media process


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message. `memory` names the arena where no file descriptor can be inherited."""

    version: int
    memory: str = ""


@dataclass(frozen=True, slots=True)
class Join:
    request: JoinRequest


@dataclass(frozen=True, slots=True)
class SetKeys:
    keys: tuple[MediaKey, ...]


@dataclass(frozen=True, slots=True)
class SetOwnKey:
    key: MediaKey
    use: bool


@dataclass(frozen=True, slots=True)
class SetMicrophone:
    on: bool


@dataclass(frozen=True, slots=True)
class SetCamera:
    on: bool


@dataclass(frozen=True, slots=True)
class SetScreen:
    on: bool
    source: CaptureSource | None = None


@dataclass(frozen=True, slots=True)
class SetDevices:
    microphone: CaptureSource
    camera: CaptureSource
    speaker: str


@dataclass(frozen=True, slots=True)
class Hear:
    identity: str
    on: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Generation `gen` lies in bank `gen & 1`. The next one is not sent before `LayoutDone`."""

    gen: int
    tiles: tuple[TileLayout, ...]


@dataclass(frozen=True, slots=True)
class PreviewCamera:
    source: CaptureSource | None


@dataclass(frozen=True, slots=True)
class MeasureMicrophone:
    source: CaptureSource | None


@dataclass(frozen=True, slots=True)
class TestSpeaker:
    device: str


@dataclass(frozen=True, slots=True)
class ListDevices:
    pass


@dataclass(frozen=True, slots=True)
class Ping:
    n: int


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave the room, answer `Left`, end the process."""


# Media process → app


@dataclass(frozen=True, slots=True)
class Ready:
    version: int
    pid: int
    import_ms: int


@dataclass(frozen=True, slots=True)
class Pong:
    n: int
    loop_lag_ms: int


@dataclass(frozen=True, slots=True)
class LayoutDone:
    gen: int


@dataclass(frozen=True, slots=True)
class Left:
    pass


@dataclass(frozen=True, slots=True)
class Refused:
    """The media process does not know the operation."""

    op: str


@dataclass(frozen=True, slots=True)
class RestartNeeded:
    """The chosen sound device can only be used by a new media process (SDK 1.2.1 cannot switch while connected)."""


@dataclass(frozen=True, slots=True)
class Stats:
    """Frames written to the arena and processor seconds used since the process began."""

    frames: int
    cpu_seconds: float


Op = (
    Hello | Join | SetKeys | SetOwnKey | SetMicrophone | SetCamera | SetScreen | SetDevices | Hear | Layout | PreviewCamera
    | MeasureMicrophone | TestSpeaker | ListDevices | Ping | Leave
)  # fmt: skip
Control = Ready | Pong | LayoutDone | Left | Refused | RestartNeeded | Stats
Event = Control | calls.MediaEvent
Message = Op | Event


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def _registry(union: object) -> dict[str, type]:
    return {_kebab(record.__name__): record for record in typing.get_args(union)}


_OPS = _registry(Op)
_EVENTS = _registry(Event)
_ERRORS = {kind.key: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, WeLinkError)}


def encode(message: Message) -> bytes:
    """The whole message with its length. Raises `WireError` if it is larger than 1 MiB."""
    name = _kebab(type(message).__name__)
    head = "op" if name in _OPS else "event"
    fields = typing.cast(dict[str, object], _plain(message))
    body = json.dumps({head: name, **fields}, ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) > MAX_BYTES:
        raise WireError(f"{name} is too large")
    return _LENGTH.pack(len(body)) + body


def decode_op(body: bytes) -> Op:
    """Raises `UnknownOperation`, `WireError`."""
    return typing.cast(Op, _decode(body, "op", _OPS))


def decode_event(body: bytes) -> Event:
    """Raises `UnknownOperation`, `WireError`."""
    return typing.cast(Event, _decode(body, "event", _EVENTS))


async def read_body(reader: asyncio.StreamReader) -> bytes | None:
    """The next message's JSON, None at the end of the stream. Raises `WireError` for a length out of range."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if not 2 <= length <= MAX_BYTES:
            raise WireError("length out of range")
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def _decode(body: bytes, head: str, registry: dict[str, type]) -> object:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireError("not JSON") from error
    if not isinstance(value, dict) or not isinstance(value.get(head), str):
        raise WireError(f"no {head}")
    record = registry.get(value[head])
    if record is None:
        raise UnknownOperation(f"unknown {head}")
    return _record(record, value)


def _plain(value: object) -> object:
    """A record as JSON values."""
    if isinstance(value, WeLinkError):
        return {"key": value.key, "detail": value.detail, "args": {name: arg for name, arg in value.args_for_text.items()}}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {entry.name: _plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


@functools.cache
def _hints(record: type) -> dict[str, object]:
    return typing.get_type_hints(record)


def _record(record: type, value: object) -> object:
    if not isinstance(value, dict):
        raise WireError(f"{record.__name__}: not an object")
    arguments = {}
    for entry in dataclasses.fields(record):
        if entry.name in value:
            arguments[entry.name] = _value(_hints(record)[entry.name], value[entry.name], entry.name)
        elif entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING:
            raise WireError(f"{record.__name__}: {entry.name} is missing")
    return record(**arguments)


def _value(hint: object, value: object, place: str) -> object:
    """`value` as the type `hint`, strictly: no number for a text, no text for a number. Raises `WireError`."""
    if isinstance(hint, typing.NewType):
        return _value(hint.__supertype__, value, place)
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        options = typing.get_args(hint)
        if value is None and type(None) in options:
            return None
        return _value(next(option for option in options if option is not type(None)), value, place)
    if typing.get_origin(hint) is tuple:
        return _tuple(typing.get_args(hint), value, place)
    if isinstance(hint, type):
        return _scalar(hint, value, place)
    raise WireError(f"{place}: unsupported type")


def _tuple(options: tuple[object, ...], value: object, place: str) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise WireError(f"{place}: not a list")
    if len(options) == 2 and options[1] is Ellipsis:
        return tuple(_value(options[0], item, place) for item in value)
    if len(value) != len(options):
        raise WireError(f"{place}: wrong length")
    return tuple(_value(option, item, place) for option, item in zip(options, value, strict=True))


def _scalar(hint: type, value: object, place: str) -> object:
    if issubclass(hint, WeLinkError):
        return _error(value, place)
    if dataclasses.is_dataclass(hint):
        return _record(hint, value)
    if issubclass(hint, enum.Enum):
        try:
            return hint(value)
        except ValueError:
            raise WireError(f"{place}: not one of its values") from None
    if hint is bytes and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise WireError(f"{place}: not base64") from None
    if hint is bool and isinstance(value, bool):
        return value
    if hint is str and isinstance(value, str):
        return value
    if hint is int and isinstance(value, int) and not isinstance(value, bool) and -_MAX_INT <= value <= _MAX_INT:
        return value
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise WireError(f"{place}: not a {hint.__name__}")


def _error(value: object, place: str) -> WeLinkError:
    if not isinstance(value, dict) or not isinstance(value.get("args", {}), dict):
        raise WireError(f"{place}: not an error")
    kind = _ERRORS.get(str(value.get("key")), WeLinkError)
    args = {str(name): arg for name, arg in value.get("args", {}).items() if isinstance(arg, str | int | float)}
    args.pop("detail", None)
    return kind(str(value.get("detail", "")), **args)
