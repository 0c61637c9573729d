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
_MANY = (
    *_NAMES[:-1],
    *("白若溪", "叶知秋", "周砚秋", "Priya Raman", "顾南星", "Amir Haddad", "唐小满", "许星河", "宋予安"),
    *("Hannah Weiss", "Tomás Ibarra", "方思齐", "乔安", "沈听澜", "Oskar Lind", "郑书言", "吴念慈", "陈景然", "罗一鸣"),
)
_OUTSIDE = {"Maya Okafor", "Daniel Reyes", "Oskar Lind"}


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
            waiting=text("meeting-waiting-key") if len(names) > 1 and place.identity == names[-1] else None,
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
    "many": replace(_GALLERY, tiles=_tiles(_MANY), people=_people(_MANY)),
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


def resized(state: StageState, width: int, height: int) -> StageState:
    """The same people, arranged for a canvas of another size."""
    sharing = next((tile.identity for tile in state.tiles if tile.screen), "")
    featured = Featured(sharing, TrackSource.SCREEN) if sharing else None
    names = [person.identity for person in state.people]
    arranged = arrange(names, width, height, featured=featured, sharing=bool(sharing))
    known = {tile.key: tile for tile in state.tiles}
    keys = [(f"{place.identity}/{place.source.value}", place.rect) for place in arranged.places]
    tiles = tuple(replace(known[key], rect=rect) for key, rect in keys if key in known)
    return replace(
        state, tiles=tiles, share_strip=arranged.banner, pager=arranged.pager, page=arranged.page, pages=arranged.pages
    )
