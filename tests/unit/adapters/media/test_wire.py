"""Messages of the media process: exact round trips, strict reading, hostile bytes."""

import asyncio
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.adapters.media import wire
from welink_desktop.core import calls
from welink_desktop.core.calls import (
    CaptureKind,
    CaptureSource,
    JoinRequest,
    LinkChanged,
    MediaDevice,
    MediaDevices,
    MediaKey,
    MediaLink,
    SfuTicket,
    TrackSource,
)
from welink_desktop.core.errors import DeviceUnavailable, WeLinkError
from welink_desktop.core.ids import RoomId

REQUEST = JoinRequest(
    RoomId("!r"), SfuTicket("ws://x", "token", "@a:b:C", "http://s"), True, (MediaKey("@d:e:F", 254, b"\0" * 16),),
    MediaKey("@a:b:C", 1, b"\xff" * 16), CaptureSource(CaptureKind.FILE, path="音.wav"), CaptureSource(), "扬声器",
)  # fmt: skip

OPS: tuple[wire.Op, ...] = (
    wire.Hello(1, "Local\\name"),
    wire.Join(REQUEST),
    wire.SetKeys((MediaKey("@d:e:F", 3, b"k" * 16),)),
    wire.SetOwnKey(MediaKey("@a:b:C", 2, b"o" * 16), use=False),
    wire.SetMicrophone(True),
    wire.SetCamera(False),
    wire.SetScreen(True, CaptureSource(CaptureKind.SYNTHETIC)),
    wire.SetScreen(False),
    wire.SetDevices(CaptureSource(), CaptureSource(device="cam"), "speaker"),
    wire.Hear("@a:b:C", False),
    wire.Layout(7, (wire.TileLayout(0, "@a:b:C", TrackSource.SCREEN, 320, 180, 15, 0, 230400),)),
    wire.PreviewCamera(None),
    wire.MeasureMicrophone(CaptureSource()),
    wire.TestSpeaker(""),
    wire.ListDevices(),
    wire.Ping(9),
    wire.Leave(),
)
EVENTS: tuple[wire.Event, ...] = (
    wire.Ready(1, 42, 300),
    wire.Pong(9, 1),
    wire.LayoutDone(7),
    wire.Left(),
    wire.Refused("x"),
    wire.RestartNeeded(),
    wire.Stats(100, 1.5),
    LinkChanged(MediaLink.CONNECTED),
    calls.ParticipantJoined("@a:b:C"),
    calls.ParticipantLeft("@a:b:C"),
    calls.TrackChanged(calls.TrackInfo("@a:b:C", TrackSource.CAMERA, False, True, 1280, 720)),
    calls.TrackGone("@a:b:C", TrackSource.SCREEN_SOUND),
    calls.SpeakersChanged((("@a:b:C", 0.75), ("@d:e:F", 0.3))),
    calls.EncryptionChanged("@a:b:C", calls.EncryptionState.WAITING_FOR_KEY),
    calls.QualityChanged("@a:b:C", calls.Quality.POOR),
    calls.SilenceNoticed("@a:b:C", 2300),
    calls.SelfChanged(TrackSource.MICROPHONE, True, "USB"),
    calls.SpeakerChanged(True, "Headset"),
    calls.DevicesChanged(MediaDevices((MediaDevice(calls.DeviceKind.MICROPHONE, "index:1", "Mic"),))),
    calls.LevelMeasured(0.5),
    calls.EngineDied(True),
)


@pytest.mark.parametrize("op", OPS, ids=lambda op: type(op).__name__)
def test_every_wish_survives_the_way(op: wire.Op) -> None:
    assert wire.decode_op(wire.encode(op)[4:]) == op


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_survives_the_way(event: wire.Event) -> None:
    assert wire.decode_event(wire.encode(event)[4:]) == event


def test_an_error_keeps_its_kind_and_arguments() -> None:
    event = calls.SelfChanged(TrackSource.CAMERA, False, "", DeviceUnavailable("busy", device="Front camera"))
    back = wire.decode_event(wire.encode(event)[4:])
    assert isinstance(back, calls.SelfChanged)
    assert type(back.reason) is DeviceUnavailable
    assert back.reason.detail == "busy"
    assert back.reason.text == event.reason.text if event.reason else False


def test_an_unknown_error_becomes_the_general_one() -> None:
    body = json.dumps({"event": "link-changed", "link": "disconnected", "error": {"key": "error-of-tomorrow"}}).encode()
    back = wire.decode_event(body)
    assert isinstance(back, LinkChanged)
    assert type(back.error) is WeLinkError


def test_a_secret_never_shows_in_a_representation() -> None:
    assert "token" not in repr(wire.Join(REQUEST))
    assert "ff" not in repr(wire.SetOwnKey(MediaKey("a", 1, b"\xff" * 16), use=True))


def test_unknown_fields_are_ignored() -> None:
    assert wire.decode_op(b'{"op":"ping","n":3,"later":{"a":1}}') == wire.Ping(3)


def test_an_unknown_operation_is_told_apart() -> None:
    with pytest.raises(wire.UnknownOperation):
        wire.decode_op(b'{"op":"fly"}')


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{}", b'{"op":1}', b'{"op":"ping"}', b'{"op":"ping","n":"3"}', b'{"op":"ping","n":true}',
        b'{"op":"ping","n":1e99}', b'{"op":"ping","n":99999999999999999999}', b'{"op":"set-microphone","on":1}',
        b'{"op":"hear","identity":7,"on":true}', b'{"op":"layout","gen":1,"tiles":{}}', b'{"op":"layout","gen":1,"tiles":[1]}',
        b'{"op":"preview-camera","source":{"kind":"magic"}}', b'{"op":"set-keys","keys":[{"identity":"a","index":0,"key":"*"}]}',
        b"\xff\xfe", b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_does_not_fit_is_an_error(body: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.decode_op(body)


def test_a_number_that_is_none_is_an_error() -> None:
    with pytest.raises(wire.WireError):
        wire.decode_event(b'{"event":"level-measured","level":NaN}')


def test_a_pair_of_wrong_length_is_an_error() -> None:
    with pytest.raises(wire.WireError):
        wire.decode_event(b'{"event":"speakers-changed","speakers":[["a",1,2]]}')


def test_more_than_a_mebibyte_is_not_sent() -> None:
    with pytest.raises(wire.WireError):
        wire.encode(wire.TestSpeaker("x" * wire.MAX_BYTES))


@given(st.binary(max_size=300))
def test_random_bytes_never_escape_as_another_error(body: bytes) -> None:
    for decode in (wire.decode_op, wire.decode_event):
        try:
            decode(body)
        except wire.WireError:
            continue


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("n", "on", "identity", "source", "keys", "key", "use", "gen", "tiles", "request", "microphone", "camera", "speaker")


@given(st.sampled_from(sorted(wire._OPS)), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5))
def test_malformed_fields_never_escape_as_another_error(name: str, fields: dict[str, object]) -> None:
    try:
        wire.decode_op(json.dumps({"op": name, **fields}).encode())
    except wire.WireError:
        return


async def test_messages_are_cut_by_their_length() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(wire.encode(wire.Ping(1)) + wire.encode(wire.Leave()))
    reader.feed_eof()
    bodies = [await wire.read_body(reader) for _ in range(3)]
    assert [wire.decode_op(body) for body in bodies if body is not None] == [wire.Ping(1), wire.Leave()]
    assert bodies[2] is None


@pytest.mark.parametrize("length", [0, 1, wire.MAX_BYTES + 1, 0xFFFFFFFF])
async def test_a_length_out_of_range_ends_the_connection(length: int) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(struct.pack("<I", length))
    with pytest.raises(wire.WireError):
        await wire.read_body(reader)


async def test_a_cut_message_is_the_end() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(wire.encode(wire.Ping(1))[:-1])
    reader.feed_eof()
    assert await wire.read_body(reader) is None
