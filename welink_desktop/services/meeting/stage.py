"""The stage of a meeting: arranges the tiles and asks the media engine for exactly the pictures that are visible."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from welink_desktop.core.calls import TileRequest, TrackSource
from welink_desktop.core.clock import Clock
from welink_desktop.core.reactive import State
from welink_desktop.services.active_speaker import StageOrder
from welink_desktop.services.call_layout import Arrangement, Featured, Place, Rect, Role, arrange
from welink_desktop.services.meeting.records import Participant, StageMode

OWN_CAMERA_TILE = 0
FIRST_TILE = 1
MAIN_FPS, GRID_FPS, SCREEN_FPS = 30, 15, 15


@dataclass(frozen=True, slots=True)
class StageTile:
    """One tile at its place. `tile` names its picture in `FrameSource`; None: no picture, show who it is."""

    identity: str
    source: TrackSource
    rect: Rect
    role: Role
    tile: int | None


@dataclass(frozen=True, slots=True)
class StageView:
    """`sharing`: whose screen is large. Rectangles in logical pixels of the stage."""

    tiles: tuple[StageTile, ...] = ()
    page: int = 0
    pages: int = 1
    banner: Rect | None = None
    pager: Rect | None = None
    sharing: str | None = None


class Stage:
    """`view` is what to paint. Sizes come from the widget; nothing is requested while it is not visible."""

    def __init__(self, clock: Clock, request: Callable[[tuple[TileRequest, ...]], None]) -> None:
        self.view: State[StageView] = State(StageView())
        self._request = request
        self._order = StageOrder(clock)
        self._people: Mapping[str, Participant] = {}
        self._size = (0, 0)
        self._ratio = 1.0
        self._visible = True
        self._mode = StageMode.GALLERY
        self._pinned: str | None = None
        self._sharing: str | None = None
        self._page = 0
        self._numbers: dict[tuple[str, TrackSource], int] = {}
        self._requested: tuple[TileRequest, ...] = ()

    def resize(self, width: int, height: int, ratio: float) -> None:
        """Logical pixels and device pixels per logical one."""
        self._size, self._ratio = (width, height), ratio
        self._arrange()

    def set_visible(self, visible: bool) -> None:
        """A minimised or covered window needs no pictures."""
        self._visible = visible
        self._ask()

    def set_mode(self, mode: StageMode) -> None:
        self._mode, self._page = mode, 0
        self._arrange()

    def pin(self, identity: str | None) -> None:
        self._pinned, self._page = identity, 0
        self._arrange()

    def turn_to(self, page: int) -> None:
        self._page = page
        self._arrange()

    def people(self, participants: Sequence[Participant], speaking: Sequence[str], sharing: str | None) -> None:
        """What changed in the meeting."""
        own = next((one.identity for one in participants if one.own), "")
        self._people = {one.identity: one for one in participants}
        self._order.present([one.identity for one in participants], own)
        self._order.speaking(speaking)
        if sharing != self._sharing:
            self._page = 0
        self._sharing = sharing
        self._arrange()

    def settle(self) -> None:
        """Make moves that are due."""
        self._order.settle()
        self._arrange()

    def ask_again(self) -> None:
        """A new media engine knows nothing of our tiles."""
        self._requested = ()
        self._ask()

    def clear(self) -> None:
        self._people, self._numbers, self._requested = {}, {}, ()
        self._pinned = self._sharing = None
        self._page = 0
        self._order.present((), "")
        self._arrange()

    def _featured(self) -> Featured | None:
        if self._pinned is not None and self._pinned in self._people:
            return Featured(self._pinned)
        if self._sharing is not None:
            return Featured(self._sharing, TrackSource.SCREEN)
        if self._mode is StageMode.SPEAKER and self._order.speaker is not None:
            return Featured(self._order.speaker)
        return None

    def _arrange(self) -> None:
        width, height = self._size
        arrangement = arrange(
            self._order.order, width, height, page=self._page, featured=self._featured(), sharing=self._sharing is not None
        )
        self._page = arrangement.page
        self.view.set(self._view_of(arrangement))
        self._ask()

    def _view_of(self, arrangement: Arrangement) -> StageView:
        wanted = [(place.identity, place.source) for place in arrangement.places if self._has_picture(place)]
        self._renumber(wanted)
        tiles = tuple(
            StageTile(place.identity, place.source, place.rect, place.role, self._numbers.get((place.identity, place.source)))
            for place in arrangement.places
        )
        return StageView(tiles, arrangement.page, arrangement.pages, arrangement.banner, arrangement.pager, self._sharing)

    def _renumber(self, wanted: Sequence[tuple[str, TrackSource]]) -> None:
        """Numbers stay with their picture while it is visible; free ones are used again."""
        kept = {key: number for key, number in self._numbers.items() if key in wanted}
        used = set(kept.values())
        for identity, source in wanted:
            if (identity, source) in kept:
                continue
            number = OWN_CAMERA_TILE if self._is_own(identity) and source is TrackSource.CAMERA else FIRST_TILE
            while number in used:
                number += 1
            kept[identity, source] = number
            used.add(number)
        self._numbers = kept

    def _has_picture(self, place: Place) -> bool:
        person = self._people.get(place.identity)
        if person is None or person.insecure:
            return False
        return person.screen if place.source is TrackSource.SCREEN else person.camera

    def _is_own(self, identity: str) -> bool:
        person = self._people.get(identity)
        return person is not None and person.own

    def _ask(self) -> None:
        requests = tuple(self._request_of(tile) for tile in self.view.value.tiles if tile.tile is not None)
        if not self._visible:
            requests = ()
        if requests != self._requested:
            self._requested = requests
            self._request(requests)

    def _request_of(self, tile: StageTile) -> TileRequest:
        assert tile.tile is not None
        fps = SCREEN_FPS if tile.source is TrackSource.SCREEN else MAIN_FPS if tile.role is Role.MAIN else GRID_FPS
        width, height = (round(side * self._ratio) for side in (tile.rect.width, tile.rect.height))
        return TileRequest(tile.tile, tile.identity, tile.source, width, height, fps)
