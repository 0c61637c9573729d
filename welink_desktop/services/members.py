"""Members of one room, loaded once and again when their number changes."""

from dataclasses import dataclass, field

from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.ports.chat import Chat
from welink_desktop.core.reactive import Scope, State
from welink_desktop.core.rooms import Member, Membership


@dataclass(frozen=True, slots=True)
class MemberList:
    """`people` are joined members; `invited` those who were asked. Nobody twice."""

    people: tuple[Member, ...] = ()
    invited: tuple[Member, ...] = ()
    loading: bool = True
    failure: WeLinkError | None = None
    by_user: dict[UserId, Member] = field(default_factory=dict, compare=False)

    def name_of(self, user: UserId) -> str:
        """The display name, or the id of somebody unknown."""
        member = self.by_user.get(user)
        return member.name if member is not None and member.name else user


class RoomMembers:
    def __init__(self, chat: Chat, room: RoomId, scope: Scope) -> None:
        self.state = State(MemberList())
        self._chat = chat
        self._room = room
        self._scope = scope
        self._joined: int | None = None

    def refresh(self, joined: int) -> None:
        """`joined` is the number the room claims; an unchanged number asks nothing."""
        if joined == self._joined:
            return
        self._joined = joined
        self._scope.spawn(self._load(), name="load-members")

    async def _load(self) -> None:
        try:
            members = await self._chat.members(self._room)
        except WeLinkError as error:
            self._joined = None
            old = self.state.value
            self.state.set(MemberList(old.people, old.invited, False, error, old.by_user))
            return
        people = tuple(member for member in members if member.membership is Membership.JOINED)
        invited = tuple(member for member in members if member.membership is Membership.INVITED)
        self.state.set(MemberList(people, invited, False, None, {member.user: member for member in members}))
