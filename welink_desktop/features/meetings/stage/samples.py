"""Named states of the stage, for a canvas of about 1100 × 760."""

from dataclasses import replace

from welink_desktop.core.calls import Quality, TrackSource
from welink_desktop.core.ids import UserId
from welink_desktop.core.text import text
from welink_desktop.features.meetings.stage.state import Controls, ControlState, PersonRow, PlacedTile, StageState
from welink_desktop.services.call_layout import Featured, arrange
from welink_desktop.services.meeting.records import Connection

CANVAS = (1100, 760)
_NAMES = ("林知远", "赵景行", "Maya Okafor", "苏婉宁", "陈嘉木", "何以宁", "Daniel Reyes")
_OUTSIDE = {"Maya Okafor", "Daniel Reyes"}


def _tiles(names: tuple[str, ...], *, sharing: str = "") -> tuple[PlacedTile, ...]:
    featured = Featured(sharing, TrackSource.SCREEN) if sharing else None
    places = arrange(names, *CANVAS, featured=featured, sharing=bool(sharing)).places
    return tuple(
        PlacedTile(
            key=f"{place.identity}/{place.source.value}",
            number=-1,
            rect=place.rect,
            identity=place.identity,
            user=UserId(f"@{names.index(place.identity)}:yunshan.example"),
            name=place.identity,
            screen=place.source is TrackSource.SCREEN,
            own=place.identity == names[0],
            muted=place.identity != _NAMES[1],
            external=place.identity in _OUTSIDE,
            speaking=place.identity == _NAMES[1] and place.source is TrackSource.CAMERA,
            waiting=text("meeting-waiting-key") if place.identity == names[-1] else None,
            quality=Quality.POOR if place.identity == _NAMES[2] else Quality.GOOD,
        )
        for place in places
    )


def _people(names: tuple[str, ...]) -> tuple[PersonRow, ...]:
    return tuple(
        PersonRow(
            name,
            UserId(f"@{index}:yunshan.example"),
            name,
            own=index == 0,
            external=name in _OUTSIDE,
            microphone=index == 1,
            speaking=index == 1,
            note=text("meeting-waiting-key") if index == len(names) - 1 else None,
        )
        for index, name in enumerate(names)
    )


_GALLERY = StageState(
    "外科新楼 周例会 · Weekly review",
    encrypted=True,
    key_number=4,
    quality=Quality.GOOD,
    tiles=_tiles(_NAMES),
    people=_people(_NAMES),
    controls=Controls(microphone=ControlState(on=False), camera=ControlState(on=True)),
    panel_open=True,
)

SAMPLES: dict[str, StageState] = {
    "gallery": _GALLERY,
    "share": replace(
        _GALLERY, tiles=_tiles(_NAMES, sharing="陈嘉木"), sharing=text("meeting-sharing", name="陈嘉木"), panel_open=False
    ),
    "alone": replace(_GALLERY, tiles=_tiles(_NAMES[:1]), people=_people(_NAMES[:1]), panel_open=False),
    "joining": StageState("外科新楼 周例会 · Weekly review", encrypted=True, joined=False),
    "returning": replace(_GALLERY, connection=Connection.RETURNING),
    "failed": replace(_GALLERY, connection=Connection.FAILED, error=text("error-media-engine")),
    "stranger": replace(_GALLERY, alarms=(text("meeting-alarm-stranger"),)),
    "clear": replace(_GALLERY, encrypted=False, key_number=None),
}
