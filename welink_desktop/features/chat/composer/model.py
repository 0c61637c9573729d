"""The composer: text, reply and edit, files, completion of names. Qt-free; the editor widget owns the text itself."""

import mimetypes
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import EventId, RoomId, UserId
from welink_desktop.core.reactive import Scope, Signal, State
from welink_desktop.core.rooms import Member
from welink_desktop.core.settings import SendKey
from welink_desktop.core.text import Text, text
from welink_desktop.core.timeline import AttachmentKind, OutgoingFile, TextContent, TimelineItem
from welink_desktop.services.composer import EVERYONE, Composer, discard, outgoing
from welink_desktop.services.members import MemberList
from welink_desktop.services.names import spelled

MAX_CANDIDATES = 6
MAX_FILES = 20
LARGE_FILE = 50_000_000
_MENTION = re.compile(r"(?:^|[\s（(「“,，。!！?？:：、；;]|(?<=[\u3400-\u9fff]))@([^\s@]{0,30})$")


@dataclass(frozen=True, slots=True)
class PendingFile:
    """`width`/`height` of pictures, 0 otherwise. `temporary`: made by us (pasted), to be deleted when removed."""

    path: str
    name: str
    size: int
    mimetype: str
    width: int = 0
    height: int = 0
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """`user` None stands for everyone."""

    name: str
    user: UserId | None
    note: str = ""
    member: Member | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """Names that fit `query`, typed from `start` on; `chosen` is highlighted."""

    query: str
    start: int
    candidates: tuple[Candidate, ...]
    chosen: int = 0


@dataclass(frozen=True, slots=True)
class ComposerState:
    """`text` is put into the editor when `revision` grows; otherwise the editor knows better."""

    room: RoomId
    room_name: str = ""
    text: str = ""
    cursor: int = -1
    revision: int = 0
    reply: TimelineItem | None = None
    editing: TimelineItem | None = None
    files: tuple[PendingFile, ...] = ()
    completion: Completion | None = None
    send_key: SendKey = SendKey.ENTER
    can_send: bool = False
    problem: Text | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    text: str
    cursor: int


@dataclass(frozen=True, slots=True)
class Send:
    pass


@dataclass(frozen=True, slots=True)
class Attach:
    """Sizes are (width, height) of pictures by path."""

    paths: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...] = ()
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class RemoveFile:
    index: int


@dataclass(frozen=True, slots=True)
class CancelMode:
    """Leave reply or edit."""


@dataclass(frozen=True, slots=True)
class MoveChoice:
    by: int


@dataclass(frozen=True, slots=True)
class Complete:
    """Take a candidate, -1 for the highlighted one."""

    index: int = -1


@dataclass(frozen=True, slots=True)
class CloseCompletion:
    pass


@dataclass(frozen=True, slots=True)
class EditLast:
    pass


@dataclass(frozen=True, slots=True)
class DismissProblem:
    pass


Wish = Typed | Send | Attach | RemoveFile | CancelMode | MoveChoice | Complete | CloseCompletion | EditLast | DismissProblem


class ComposerModel:
    """`wants_last` asks the timeline for the last own message; `sent` tells the timeline to go to its end."""

    def __init__(self, composer: Composer, room: RoomId, name: str, me: UserId, scope: Scope) -> None:
        self.state = State(ComposerState(room, name))
        self.wants_last: Signal[None] = Signal()
        self.sent: Signal[None] = Signal()
        self._composer = composer
        self._me = me
        self._members = MemberList()
        self._mentions: dict[str, UserId] = {}
        self._text = ""
        self._kept = ""
        scope.add(composer.failure.watch(self._failed))
        scope.spawn(self._restore(), name="restore-draft")

    def set_members(self, members: MemberList) -> None:
        self._members = members

    def set_name(self, name: str) -> None:
        self._set(room_name=name)

    def set_send_key(self, key: SendKey) -> None:
        self._set(send_key=key)

    def answer(self, item: TimelineItem) -> None:
        if self.state.value.editing is not None:
            self._leave_edit()
        self._set(reply=item)

    def edit(self, item: TimelineItem) -> None:
        """Put an own message into the editor; the unsent text is kept until the edit ends."""
        if not isinstance(item.content, TextContent):
            return
        if self.state.value.editing is None:
            self._kept = self._text
        self._set(reply=None, editing=item, files=())
        self._put(item.content.body)

    def act(self, wish: Wish) -> None:
        match wish:
            case Typed(typed, cursor):
                self._typed(typed, cursor)
            case Send():
                self._send()
            case Attach(paths, sizes, temporary):
                self._attach(paths, sizes, temporary)
            case RemoveFile(index):
                self._remove(index)
            case CancelMode():
                self._cancel()
            case MoveChoice(by):
                self._move(by)
            case Complete(index):
                self._complete(index)
            case CloseCompletion():
                self._set(completion=None)
            case EditLast():
                if not self._text and self.state.value.editing is None:
                    self.wants_last.emit(None)
            case DismissProblem():
                self._set(problem=None)
            case _:
                assert_never(wish)

    def _remove(self, index: int) -> None:
        files = self.state.value.files
        if files[index].temporary:
            discard(files[index].path)
        self._set(files=files[:index] + files[index + 1 :])

    async def _restore(self) -> None:
        draft = await self._composer.load_draft()
        if draft and not self._text:
            self._put(draft)

    def _typed(self, typed: str, cursor: int) -> None:
        if typed == self._text and self.state.value.completion is None and "@" not in typed[:cursor]:
            return
        changed, self._text = typed != self._text, typed
        self._set(completion=self._completion(typed[:cursor]))
        if changed and self.state.value.editing is None:
            self._composer.keep_draft(typed)
            if typed.strip():
                self._composer.typing(True)

    def _completion(self, before: str) -> Completion | None:
        match = _MENTION.search(before)
        if match is None:
            return None
        query = match.group(1)
        found = self._candidates(query.casefold())
        if not found:
            return None
        old = self.state.value.completion
        chosen = old.chosen if old is not None and old.query == query and old.chosen < len(found) else 0
        return Completion(query, match.start(1) - 1, found, chosen)

    def _candidates(self, query: str) -> tuple[Candidate, ...]:
        ranked: list[tuple[int, str, Candidate]] = []
        for member in self._members.people:
            if member.user == self._me:
                continue
            rank = _rank(member, query)
            if rank is not None:
                note = "" if not member.ambiguous else member.user
                ranked.append((rank, spelled(member.name)[0], Candidate(member.name, member.user, note, member)))
        ranked.sort(key=lambda entry: entry[:2])
        found = [candidate for _, _, candidate in ranked[:MAX_CANDIDATES]]
        me = self._members.by_user.get(self._me)
        may_call = me is not None and (me.creator or me.power >= 50)
        if may_call and len(self._members.people) > 2 and any(word.startswith(query) for word in (EVERYONE, "all", "所有人")):
            found.append(Candidate(EVERYONE, None))
        return tuple(found)

    def _move(self, by: int) -> None:
        completion = self.state.value.completion
        if completion is not None:
            self._set(completion=replace(completion, chosen=(completion.chosen + by) % len(completion.candidates)))

    def _complete(self, index: int) -> None:
        completion = self.state.value.completion
        if completion is None:
            return
        chosen = completion.candidates[completion.chosen if index < 0 else index]
        end = completion.start + 1 + len(completion.query)
        name = self._mention(chosen)
        self._put(
            f"{self._text[: completion.start]}@{name} {self._text[end:].removeprefix(' ')}", completion.start + len(name) + 2
        )
        self._composer.keep_draft(self._text)

    def _mention(self, chosen: Candidate) -> str:
        name = " ".join(chosen.name.split())
        self._mentions[name] = chosen.user if chosen.user is not None else UserId("")
        return name

    def _send(self) -> None:
        state = self.state.value
        if not self._text.strip() and not state.files:
            return
        try:
            message = outgoing(self._text, self._known_mentions(), reply_to=self._answered())
        except WeLinkError as error:
            self._set(problem=error.text)
            return
        if state.editing is not None:
            if message.body and message.body != getattr(state.editing.content, "body", None):
                edited, words = state.editing, self._text
                self._composer.edit(edited.ref, message, lambda: self._edit_refused(edited, words))
            self._leave_edit()
            return
        if state.files:
            temporary = tuple(file.path for file in state.files if file.temporary)
            files, caption = state.files, self._text
            self._composer.send_files(
                _outgoing_files(files, message.body),
                temporary,
                lambda first: self._bring_back("" if first else caption, files[first:], None),
            )
        else:
            typed, reply = self._text, state.reply
            self._composer.send(message, lambda: self._bring_back(typed, (), reply))
        self._mentions.clear()
        self._set(reply=None, files=(), problem=None)
        self._put("")
        self._composer.keep_draft("")
        self._composer.typing(False)
        self.sent.emit(None)

    def _known_mentions(self) -> dict[str, UserId]:
        """Chosen names, and names of members that were typed or restored in full."""
        known = dict(self._mentions)
        if "@" in self._text:
            for member in self._members.people:
                name = " ".join(member.name.split())
                if len(name) > 1 and not member.ambiguous and f"@{name}" in self._text:
                    known.setdefault(name, member.user)
        return known

    def _answered(self) -> EventId | None:
        reply = self.state.value.reply
        return EventId(reply.ref) if reply is not None and reply.ref.startswith("$") else None

    def _attach(self, paths: tuple[str, ...], sizes: tuple[tuple[int, int], ...], temporary: bool) -> None:
        files, problem = list(self.state.value.files), None
        for number, name in enumerate(paths):
            path = Path(name)
            width, height = sizes[number] if number < len(sizes) else (0, 0)
            if path.is_dir():
                problem = text("composer-folder", name=path.name)
            elif not path.is_file():
                problem = text("composer-file-missing", name=path.name)
            elif len(files) < MAX_FILES and self.state.value.editing is None:
                mimetype = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
                files.append(PendingFile(name, path.name, path.stat().st_size, mimetype, width, height, temporary))
        self._set(files=tuple(files), problem=problem)

    def _cancel(self) -> None:
        if self.state.value.editing is not None:
            self._leave_edit()
        else:
            self._set(reply=None)

    def _leave_edit(self) -> None:
        self._set(editing=None)
        self._put(self._kept)
        self._kept = ""

    def _bring_back(self, typed: str, files: tuple[PendingFile, ...], reply: TimelineItem | None) -> None:
        """What could not even be queued stands in the composer again, before what was typed since."""
        state = self.state.value
        self._set(files=(*files, *state.files), reply=state.reply or reply)
        if typed and state.editing is None:
            self._put("\n".join(part for part in (typed, self._text) if part))
            self._composer.keep_draft(self._text)
        elif typed:
            self._kept = "\n".join(part for part in (typed, self._kept) if part)

    def _edit_refused(self, edited: TimelineItem, words: str) -> None:
        if self.state.value.editing is None:
            self._kept = self._text
            self._set(editing=edited, reply=None)
            self._put(words)

    def _failed(self, error: WeLinkError | None) -> None:
        self._set(problem=error.text if error is not None else None)

    def _put(self, words: str, cursor: int = -1) -> None:
        self._text = words
        self._set(text=words, cursor=cursor, revision=self.state.value.revision + 1, completion=None)

    def _set(self, **changes: object) -> None:
        state = replace(self.state.value, **changes)  # type: ignore[arg-type]  # names are fields of the record
        self.state.set(replace(state, can_send=bool(self._text.strip()) or bool(state.files)))


def _rank(member: Member, query: str) -> int | None:
    """0 for a name that begins with the query, 1 for pinyin or initials, 2 for anywhere, None for no match."""
    name = member.name.casefold()
    if not query or name.startswith(query):
        return 0
    full, initials = spelled(member.name)
    if query.isascii() and (full.startswith(query) or initials.startswith(query)):
        return 1
    if any(word.startswith(query) for word in name.split()):
        return 1
    return 2 if query in name or query in full or query in member.user.casefold().partition(":")[0] else None


def _outgoing_files(files: tuple[PendingFile, ...], caption: str) -> tuple[OutgoingFile, ...]:
    made = []
    for number, file in enumerate(files):
        kind = AttachmentKind.FILE
        if file.mimetype in {"image/png", "image/jpeg", "image/gif", "image/webp"} and file.width:
            kind = AttachmentKind.IMAGE
        elif file.mimetype.startswith("audio/"):
            kind = AttachmentKind.AUDIO
        elif file.mimetype.startswith("video/"):
            kind = AttachmentKind.VIDEO
        made.append(OutgoingFile(file.path, kind, caption if not number else "", file.mimetype, file.width, file.height))
    return tuple(made)
