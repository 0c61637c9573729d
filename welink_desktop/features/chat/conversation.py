"""One open room of the chat page, its models working together. Qt-free."""

from welink_desktop.core.ids import UserId
from welink_desktop.core.ports.chat import Chat
from welink_desktop.core.ports.media import MediaStore
from welink_desktop.core.reactive import Scope, State
from welink_desktop.core.rooms import RoomSummary, Typing
from welink_desktop.core.settings import SendKey
from welink_desktop.features.chat.composer.model import ComposerModel
from welink_desktop.features.chat.timeline.model import Answering, Asked, Editing, TimelineModel
from welink_desktop.services.composer import Composer
from welink_desktop.services.members import MemberList, RoomMembers
from welink_desktop.services.timeline import RoomTimeline


class Conversation:
    """One open room with everything that belongs to it; `scope` ends with it."""

    def __init__(self, chat: Chat, media: MediaStore, summary: RoomSummary, me: UserId, send_key: SendKey) -> None:
        room = summary.room
        self.room = room
        self.scope = Scope("conversation")
        self.service = RoomTimeline(chat, media, room, self.scope)
        self.scope.add(self.service.close)
        self.timeline = TimelineModel(self.service, me, self.scope, summary=summary)
        self.composer = ComposerModel(Composer(chat, room, self.scope), room, summary.name, me, self.scope)
        self.composer.set_send_key(send_key)
        self.members = RoomMembers(chat, room, self.scope)
        self.typing: State[tuple[UserId, ...]] = State(())
        self.scope.add(self.members.state.watch(self._members))
        self.scope.add(self.timeline.asked.listen(self._asked))
        self.scope.add(self.composer.wants_last.listen(lambda _: self._edit_last()))
        self.scope.add(chat.watch_typing(room, self._typing))
        self.members.refresh(summary.joined)

    def update(self, summary: RoomSummary) -> None:
        self.timeline.set_summary(summary)
        self.composer.set_name(summary.name)
        self.members.refresh(summary.joined)

    def _members(self, members: MemberList) -> None:
        self.timeline.set_members(members)
        self.composer.set_members(members)

    def _typing(self, typing: Typing) -> None:
        self.typing.set(typing.people)

    def _asked(self, asked: Asked) -> None:
        match asked:
            case Answering(item):
                self.composer.answer(item)
            case Editing(item):
                self.composer.edit(item)
            case _:
                pass

    def _edit_last(self) -> None:
        item = self.timeline.last_own()
        if item is not None:
            self.composer.edit(item)
