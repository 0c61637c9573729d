"""From what a person typed to what is sent: Markdown, mentions, size; drafts and typing notices of one room."""

import asyncio
import contextlib
import html
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

from welink_desktop.core.errors import TooLarge, WeLinkError
from welink_desktop.core.ids import EventId, MessageRef, RoomId, UserId
from welink_desktop.core.ports.chat import Chat
from welink_desktop.core.reactive import Scope, State
from welink_desktop.core.timeline import MessageKind, OutgoingFile, OutgoingText

MAX_BYTES = 48_000
"""An event holds 65,536 bytes; encryption and HTML take their share."""
DRAFT_SECONDS = 0.6
TYPING_SECONDS = 8.0
EVERYONE = "room"

_OPEN, _CLOSE = "\ue000", "\ue001"
_PLACE = re.compile(f"{_OPEN}(\\d+){_CLOSE}")


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["strikethrough", "table"])


def outgoing(text: str, mentions: Mapping[str, UserId] | None = None, *, reply_to: EventId | None = None) -> OutgoingText:
    """The message for a typed text. `mentions` maps shown names to people; only names that stand in the text as "@name" count.

    HTML is made only when Markdown or a mention changes something. "/me …" becomes an emote.
    Raises `TooLarge`.
    """
    text = text.strip("\n").rstrip()
    kind = MessageKind.TEXT
    if text.startswith("/me "):
        kind, text = MessageKind.EMOTE, text[4:]
    elif text.startswith("//"):
        text = text[1:]
    marked, people = _place_mentions(text, mentions or {})
    rendered = _rendered(marked)
    formatted = _fill_mentions(rendered, people) if people or rendered != _plain(marked) else ""
    if len(text.encode()) + len(formatted.encode()) > MAX_BYTES:
        formatted = ""
    if len(text.encode()) > MAX_BYTES:
        raise TooLarge(limit="48 kB")
    everyone = bool(re.search(r"(?<!\w)@room\b", text)) and EVERYONE in (mentions or {})
    users = tuple(dict.fromkeys(user for _, user in people))
    return OutgoingText(text, formatted, users, everyone, reply_to, kind)


def _place_mentions(text: str, mentions: Mapping[str, UserId]) -> tuple[str, list[tuple[str, UserId]]]:
    """Put a placeholder for each "@name", the longest names first, so that Markdown leaves them alone."""
    text = text.replace(_OPEN, "").replace(_CLOSE, "")
    people: list[tuple[str, UserId]] = []
    for name in sorted((name for name in mentions if name != EVERYONE), key=len, reverse=True):
        if f"@{name}" in text:
            text = text.replace(f"@{name}", f"{_OPEN}{len(people)}{_CLOSE}")
            people.append((name, mentions[name]))
    return text, people


def _fill_mentions(rendered: str, people: list[tuple[str, UserId]]) -> str:
    def link(match: "re.Match[str]") -> str:
        index = int(match.group(1))
        if index >= len(people):
            return ""
        name, user = people[index]
        return f'<a href="https://matrix.to/#/{html.escape(user)}">@{html.escape(name)}</a>'

    return _PLACE.sub(link, rendered)


def _rendered(text: str) -> str:
    made = str(_markdown().render(text)).strip()
    inner = made.removeprefix("<p>").removesuffix("</p>")
    return inner if made.startswith("<p>") and made.endswith("</p>") and "<p>" not in inner else made


def _plain(text: str) -> str:
    """What Markdown makes of a text that has none in it."""
    return "<br />\n".join(html.escape(line.strip(), quote=False).replace('"', "&quot;") for line in text.split("\n"))


def discard(path: str) -> None:
    """Delete a pasted picture and the folder made for it; what is gone already is no matter."""
    file = Path(path)
    file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        file.parent.rmdir()


def _nobody(*_: object) -> None:
    """Nobody minds a refusal."""


class Composer:
    """Sending in one room. Actions return at once; a refusal becomes `failure`."""

    def __init__(self, chat: Chat, room: RoomId, scope: Scope) -> None:
        self.failure: State[WeLinkError | None] = State(None)
        self._chat = chat
        self._room = room
        self._scope = scope
        self._draft = ""
        self._saved = ""
        self._draft_task: asyncio.Task[None] | None = None
        self._typing_task: asyncio.Task[None] | None = None
        scope.add(self._flush)

    async def load_draft(self) -> str:
        try:
            self._draft = self._saved = await self._chat.draft(self._room)
        except WeLinkError:
            self._draft = self._saved = ""
        return self._saved

    def keep_draft(self, text: str) -> None:
        """Save the draft once the person pauses."""
        self._draft = text
        if not self._scope.closed and (self._draft_task is None or self._draft_task.done()):
            self._draft_task = self._scope.spawn(self._save_draft(), name="draft")

    def typing(self, on: bool) -> None:
        """Tell others that we write; ends by itself after 8 s without another call."""
        if self._typing_task is not None:
            self._typing_task.cancel()
            self._typing_task = None
        if self._scope.closed:
            return
        if on:
            self._typing_task = self._scope.spawn(self._type(), name="typing")
        else:
            self._do(lambda: self._chat.set_typing(self._room, False), "typing-ended")

    def send(self, message: OutgoingText, refused: Callable[[], None] = _nobody) -> None:
        """`refused` is called if it could not even be queued: the words are the person's to keep."""
        self._do(lambda: self._chat.send_text(self._room, message), "send", refused)

    def edit(self, ref: MessageRef, message: OutgoingText, refused: Callable[[], None] = _nobody) -> None:
        self._do(lambda: self._chat.edit(self._room, ref, replace(message, reply_to=None)), "edit", refused)

    def send_files(
        self,
        files: tuple[OutgoingFile, ...],
        temporary: tuple[str, ...] = (),
        refused: Callable[[int], None] = _nobody,
    ) -> None:
        """In this order. Files of ours in `temporary` (pasted pictures) are deleted once the outbox has its own copies.

        `refused` hears the index of the first file that could not be queued; it and those after it are left as they are.
        """
        self._do(lambda: self._send_files(files, temporary, refused), "send-files")

    async def _send_files(
        self, files: tuple[OutgoingFile, ...], temporary: tuple[str, ...], refused: Callable[[int], None]
    ) -> None:
        unsent = list(temporary)
        try:
            for number, file in enumerate(files):
                try:
                    await self._chat.send_file(self._room, file)
                except WeLinkError:
                    unsent.clear()
                    refused(number)
                    raise
                if file.path in unsent:
                    unsent.remove(file.path)
                    discard(file.path)
        finally:
            for path in unsent:
                discard(path)

    async def _type(self) -> None:
        try:
            await self._chat.set_typing(self._room, True)
            await asyncio.sleep(TYPING_SECONDS)
            await self._chat.set_typing(self._room, False)
        except WeLinkError as error:
            self.failure.set(error if not self._scope.closed and error.key != "error-offline" else self.failure.value)

    async def _save_draft(self) -> None:
        await asyncio.sleep(DRAFT_SECONDS)
        await self._flush()

    async def _flush(self) -> None:
        if self._draft == self._saved:
            return
        before, self._saved = self._saved, self._draft
        try:
            await self._chat.set_draft(self._room, self._saved)
        except WeLinkError as error:
            self._saved = before
            if not self._scope.closed:
                self.failure.set(error)

    def _do(self, action: Callable[[], Awaitable[object]], name: str, refused: Callable[[], None] = _nobody) -> None:
        if not self._scope.closed:
            self._scope.spawn(self._attempt(action, refused), name=name)

    async def _attempt(self, action: Callable[[], Awaitable[object]], refused: Callable[[], None]) -> None:
        try:
            await action()
        except WeLinkError as error:
            refused()
            self.failure.set(error)
