"""The chat page: which conversation is open, and its parts working together. Qt-free; one per session."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, assert_never

from welink_desktop.core.errors import HistoryNotLoaded, WeLinkError
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.ports.chat import Chat
from welink_desktop.core.ports.media import MediaStore
from welink_desktop.core.ports.people import People
from welink_desktop.core.reactive import Scope, Signal, State
from welink_desktop.core.rooms import Membership, RoomSummary
from welink_desktop.core.security import HistoryArrival
from welink_desktop.core.settings import SendKey
from welink_desktop.core.trust import MessageCure
from welink_desktop.features.chat.details import model as details
from welink_desktop.features.chat.room_list.model import RoomListModel
from welink_desktop.services.known_people import KnownPeople
from welink_desktop.services.members import MemberList
from welink_desktop.services.pictures import Pictures
from welink_desktop.services.room_list import RoomList, RoomListStatus
from welink_desktop.services.room_trust import Alarm
from welink_desktop.services.security import AccountSecurity

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from welink_desktop.features.chat.conversation import Conversation
    from welink_desktop.features.chat.timeline.model import Asked


@dataclass(frozen=True, slots=True)
class ChatState:
    """`summary` is the open room (None: none); `typing` are names; `wanted` is a room that is not known yet.

    `alarm`: somebody here has another identity than before, `alarms` people in all. `busy`, `failure`: older messages are, or
    could not be, fetched.
    """

    summary: RoomSummary | None = None
    typing: tuple[str, ...] = ()
    details: bool = False
    wanted: RoomId | None = None
    inviter_name: str = ""
    alarm: Alarm | None = None
    alarm_name: str = ""
    alarms: int = 0
    busy: bool = False
    failure: WeLinkError | None = None


@dataclass(frozen=True, slots=True)
class ToggleDetails:
    pass


@dataclass(frozen=True, slots=True)
class Meet:
    """Start or join the meeting of the open room."""


@dataclass(frozen=True, slots=True)
class NewChat:
    pass


@dataclass(frozen=True, slots=True)
class AcceptInvitation:
    pass


@dataclass(frozen=True, slots=True)
class DeclineInvitation:
    pass


@dataclass(frozen=True, slots=True)
class CloseRoom:
    """Back to the list (narrow windows)."""


@dataclass(frozen=True, slots=True)
class Compare:
    """With the person of the alarm."""


@dataclass(frozen=True, slots=True)
class AcceptIdentity:
    """The changed identity is that person's own."""


@dataclass(frozen=True, slots=True)
class DismissFailure:
    pass


Wish = (
    ToggleDetails | Meet | NewChat | AcceptInvitation | DeclineInvitation | CloseRoom | Compare | AcceptIdentity | DismissFailure
)


class ChatModel:
    """`open` shows a room. Signals ask the app for what lies outside chat."""

    def __init__(
        self,
        chat: Chat,
        people: People,
        media: MediaStore,
        me: UserId,
        scope: Scope,
        *,
        rooms: RoomList | None = None,
        pictures: Pictures | None = None,
        security: AccountSecurity | None = None,
    ) -> None:
        """`rooms` and `pictures` may be shared with other pages. Without `security` nothing is said about identities."""
        self.state = State(ChatState())
        self.conversation: State[Conversation | None] = State(None)
        self.person_wanted: Signal[UserId] = Signal()
        self.link_wanted: Signal[str] = Signal()
        self.meeting_wanted: Signal[RoomId] = Signal()
        self.new_chat_wanted: Signal[None] = Signal()
        self.opened: Signal[RoomId | None] = Signal()
        self.compare_wanted: Signal[UserId] = Signal()
        self.cure_wanted: Signal[RoomId] = Signal()
        self.me = me
        self.pictures = pictures or Pictures(media, scope)
        self.known_people = KnownPeople(people, scope)
        self.rooms = rooms or RoomList(chat, scope)
        self.room_list = RoomListModel(self.rooms, self.known_people, scope)
        self.details = details.DetailsModel()
        self._chat, self._media, self._scope = chat, media, scope
        self._security = security
        self._send_key = SendKey.ENTER
        self._looking = False
        scope.add(self.room_list.chosen.listen(self.open))
        scope.add(self.rooms.state.watch(self._rooms_changed))
        scope.add(self.known_people.changed.listen(lambda _: self._name_people()))
        scope.add(self.details.asked.listen(self._details_asked))
        scope.add(self._close_conversation)

    def open(self, room: RoomId | None) -> None:
        """Show a room; one that is not known yet opens when it appears in the list. None closes."""
        if room is None:
            self._leave_conversation()
            self.state.set(replace(self.state.value, summary=None, wanted=None, typing=()))
            self.room_list.set_current(None)
            self.opened.emit(None)
            return
        summary = self.rooms.room(room)
        if summary is None:
            self.state.set(replace(self.state.value, wanted=room))
            return
        current = self.conversation.value
        if current is not None and current.room == room:
            self.opened.emit(room)
            return
        self._leave_conversation()
        self.state.set(ChatState(summary, details=self.state.value.details))
        self.room_list.set_current(room)
        self.details.set_summary(summary)
        self._name_people()
        if summary.membership is Membership.JOINED:
            self._start(summary)
        self.opened.emit(room)

    def set_send_key(self, key: SendKey) -> None:
        self._send_key = key
        if self.conversation.value is not None:
            self.conversation.value.composer.set_send_key(key)

    def set_looking(self, looking: bool) -> None:
        """Whether this page is in front of an active window: only then messages become read."""
        self._looking = looking
        if self.conversation.value is not None:
            self.conversation.value.timeline.set_looking(looking)

    def act(self, wish: Wish) -> None:
        summary = self.state.value.summary
        match wish:
            case ToggleDetails():
                self.state.set(replace(self.state.value, details=not self.state.value.details))
            case Meet():
                if summary is not None:
                    self.meeting_wanted.emit(summary.room)
            case NewChat():
                self.new_chat_wanted.emit(None)
            case AcceptInvitation():
                if summary is not None:
                    self.rooms.accept(summary.room)
            case DeclineInvitation():
                if summary is not None:
                    self.rooms.leave(summary.room)
            case CloseRoom():
                self.open(None)
            case Compare() | AcceptIdentity() | DismissFailure():
                self._trust_wish(wish)
            case _:
                assert_never(wish)

    def _trust_wish(self, wish: Compare | AcceptIdentity | DismissFailure) -> None:
        alarm = self.state.value.alarm
        if isinstance(wish, DismissFailure):
            self.state.set(replace(self.state.value, failure=None))
        elif alarm is not None and self._security is not None:
            if isinstance(wish, Compare):
                self.compare_wanted.emit(alarm.user)
            else:
                self._scope.spawn(self._guarded(self._security.port.accept_person(alarm.user)), name="accept-identity")

    async def _guarded(self, work: "Coroutine[Any, Any, None]") -> None:
        try:
            await work
        except WeLinkError as error:
            self.state.set(replace(self.state.value, failure=error))
        finally:
            self.state.set(replace(self.state.value, busy=False))

    def _start(self, summary: RoomSummary) -> None:
        from welink_desktop.features.chat.conversation import Conversation

        made = Conversation(self._chat, self._media, summary, self.me, self._send_key)
        made.scope.add(made.members.state.watch(self.details.set_members))
        made.scope.add(made.typing.watch(self._typing))
        made.scope.add(made.timeline.asked.listen(self._asked))
        made.timeline.set_looking(self._looking)
        if self._security is not None:
            self._watch_trust(made, self._security)
        self.conversation.set(made)

    def _watch_trust(self, made: "Conversation", security: AccountSecurity) -> None:
        from welink_desktop.services.room_trust import RoomTrust

        trust = RoomTrust(security, self.me)
        made.scope.add(trust.close)
        made.scope.add(made.members.state.watch(lambda members: trust.set_people(one.user for one in members.people)))
        made.scope.add(trust.alarms.watch(lambda alarms: self._alarmed(made, alarms)))
        made.scope.add(security.reading.watch(made.timeline.set_reading))
        made.scope.add(security.port.watch_history(made.room, self._history_came))

    def _history_came(self, arrival: HistoryArrival) -> None:
        if arrival is HistoryArrival.FAILED:
            self.state.set(replace(self.state.value, failure=HistoryNotLoaded()))

    def _alarmed(self, made: "Conversation", alarms: tuple[Alarm, ...]) -> None:
        alarm = alarms[0] if alarms else None
        name = made.members.state.value.name_of(alarm.user) if alarm is not None else ""
        self.state.set(replace(self.state.value, alarm=alarm, alarm_name=name, alarms=len(alarms)))

    def _leave_conversation(self) -> None:
        old = self.conversation.value
        if old is not None:
            self.conversation.set(None)
            self._scope.spawn(old.scope.aclose(), name="close-conversation")

    async def _close_conversation(self) -> None:
        old = self.conversation.value
        if old is not None:
            self.conversation.set(None)
            await old.scope.aclose()

    def _rooms_changed(self, _: RoomListStatus) -> None:
        state = self.state.value
        if state.wanted is not None and self.rooms.room(state.wanted) is not None:
            self.open(state.wanted)
            return
        if state.summary is None:
            return
        summary = self.rooms.room(state.summary.room)
        if summary is None:
            self.open(None)
            return
        if summary == state.summary:
            return
        self.state.set(replace(state, summary=summary))
        self.details.set_summary(summary)
        conversation = self.conversation.value
        if conversation is not None:
            conversation.update(summary)
        elif summary.membership is Membership.JOINED:
            self._start(summary)

    def _typing(self, people: tuple[UserId, ...]) -> None:
        conversation = self.conversation.value
        members = conversation.members.state.value if conversation is not None else MemberList()
        self.state.set(replace(self.state.value, typing=tuple(members.name_of(user) for user in people)))

    def _name_people(self) -> None:
        summary = self.state.value.summary
        name = ""
        if summary is not None and summary.inviter is not None:
            person = self.known_people.get(summary.inviter)
            name = person.name if person is not None else ""
        self.state.set(replace(self.state.value, inviter_name=name))

    def _asked(self, asked: "Asked") -> None:
        from welink_desktop.features.chat.timeline.model import MakeReadable, OpenLink, OpenPerson

        match asked:
            case OpenPerson(user):
                self.person_wanted.emit(user)
            case OpenLink(address):
                self.link_wanted.emit(address)
            case MakeReadable(cure):
                self._make_readable(cure)
            case _:
                pass

    def _make_readable(self, cure: MessageCure) -> None:
        """Fetch the room's older messages, or first cure the account (the app opens what that needs)."""
        summary = self.state.value.summary
        if summary is None or self._security is None:
            return
        if cure is MessageCure.CONFIRM_THIS_DEVICE:
            self.cure_wanted.emit(summary.room)
        elif not self.state.value.busy:
            self.state.set(replace(self.state.value, busy=True, failure=None))
            self._scope.spawn(self._guarded(self._security.port.restore_room(summary.room)), name="restore-room")

    def _details_asked(self, asked: details.OpenMember | details.LeaveRoom | details.Close) -> None:
        match asked:
            case details.OpenMember(user):
                self.person_wanted.emit(user)
            case details.LeaveRoom(room):
                self.rooms.leave(room)
            case details.Close():
                self.state.set(replace(self.state.value, details=False))
