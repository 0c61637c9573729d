"""The views of chat over fixed states, for the gallery and for pictures: wishes go nowhere."""

from PySide6.QtWidgets import QWidget

from welink_desktop.core.ids import ContentUri, RoomId
from welink_desktop.core.media import MediaInfo, MediaSource, Picture
from welink_desktop.core.reactive import Signal, State
from welink_desktop.core.timeline import TimelineItem
from welink_desktop.features.chat.composer import model as composer
from welink_desktop.features.chat.composer.view import ComposerView
from welink_desktop.features.chat.details import model as details
from welink_desktop.features.chat.details.view import DetailsView
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.features.chat.room_list import model as room_list
from welink_desktop.features.chat.room_list.view import RoomListView
from welink_desktop.features.chat.timeline import model as timeline
from welink_desktop.features.chat.timeline.samples import TimelineSample
from welink_desktop.features.chat.timeline.view import TimelineView
from welink_desktop.services.pictures import PictureKey, Pictures


class NoPictures(Pictures):
    """Initials and placeholders only."""

    def __init__(self) -> None:
        self.arrived: Signal[PictureKey] = Signal()

    def avatar(self, uri: ContentUri, size: int) -> Picture | None:
        return None

    def picture(self, source: MediaSource, info: MediaInfo, width: int, height: int) -> Picture | None:
        return None


class StillRoomList(room_list.RoomListModel):
    def __init__(self, state: State[room_list.RoomListState]) -> None:
        self.state = state
        self.chosen: Signal[RoomId] = Signal()

    def act(self, wish: room_list.Wish) -> None:
        return None


class StillTimeline(timeline.TimelineModel):
    def __init__(self, sample: TimelineSample) -> None:
        self.state = State(sample.state)
        self.changed = Signal()
        self.asked = Signal()
        self.saved = Signal()
        self.found = Signal()
        self._items = list(sample.rows)

    @property
    def rows(self) -> list[TimelineItem]:
        return self._items

    def act(self, wish: timeline.Wish) -> None:
        return None


class StillComposer(composer.ComposerModel):
    def __init__(self, state: State[composer.ComposerState]) -> None:
        self.state = state
        self.wants_last = Signal()
        self.sent = Signal()

    def act(self, wish: composer.Wish) -> None:
        return None


class StillDetails(details.DetailsModel):
    def __init__(self, state: State[details.DetailsState]) -> None:
        super().__init__()
        self.state = state

    def act(self, wish: details.Wish) -> None:
        return None


def room_list_view(state: State[room_list.RoomListState]) -> RoomListView:
    return RoomListView(StillRoomList(state), Pixmaps(NoPictures()))


def timeline_view(state: State[TimelineSample]) -> TimelineView:
    view = TimelineView()
    view.show_room(StillTimeline(state.value), Pixmaps(NoPictures()))
    return view


def composer_view(state: State[composer.ComposerState], parent: QWidget | None = None) -> ComposerView:
    view = ComposerView(parent)
    view.show_composer(StillComposer(state), Pixmaps(NoPictures()))
    return view


def details_view(state: State[details.DetailsState]) -> DetailsView:
    return DetailsView(StillDetails(state), Pixmaps(NoPictures()))


__all__ = ["composer_view", "details_view", "room_list_view", "timeline_view"]
