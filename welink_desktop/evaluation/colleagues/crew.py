"""The crew: every scripted colleague's session in one loop."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping
from pathlib import Path

from welink_desktop.core.account import Homeserver
from welink_desktop.core.changes import apply
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import EventId, RoomId
from welink_desktop.core.log import literal, short, topic
from welink_desktop.core.ports.accounts import Accounts, Session
from welink_desktop.core.reactive import Scope
from welink_desktop.core.rooms import RoomListBatch, RoomSummary
from welink_desktop.core.timeline import IncomingMessage, OutgoingText
from welink_desktop.evaluation.colleagues.answers import Answer, choose
from welink_desktop.evaluation.colleagues.meetings import Attendants, Equipment
from welink_desktop.evaluation.sample import Sample

THINKING = (0.6, 1.4)
"""Seconds between reading and answering."""
REMEMBERED = 2000
_log = topic("evaluation.colleagues")


class Crew:
    """Opens the sessions of `people` (keys) and lets them answer and attend.

    `accounts` gives each person's own `Accounts` (a profile folder of its own). `passwords` by key.
    """

    def __init__(self, sample: Sample, server: Homeserver, accounts: Callable[[str], Accounts], folder: Path) -> None:
        self._sample = sample
        self._server = server
        self._accounts = accounts
        self._scope = Scope("crew")
        self._equipment = Equipment(sample, folder / "equipment")
        self.sessions: dict[str, Session] = {}
        self._rooms: dict[str, list[RoomSummary]] = {}
        self._answered: dict[EventId, None] = {}
        self._attendants: dict[RoomId, Attendants] = {}
        viewer = sample.viewer
        own = [line for room in sample.rooms for line in room.lines if line.by == viewer]
        self._told = {line.text for line in own} | {line.edited_from for line in own}
        """What the viewer says in the conversations we write: nobody answers that."""

    @property
    def users(self) -> frozenset[str]:
        """The colleagues, without the viewer."""
        viewer = self._sample.viewer
        return frozenset(session.account.user for key, session in self.sessions.items() if key != viewer)

    async def open(self, key: str, password: str) -> Session:
        """Sign in (the first time) and start syncing. Raises `WeLinkError`."""
        accounts = self._accounts(key)
        known = await accounts.accounts()
        if known:
            account = known[0]
        else:
            person = self._sample.people[key]
            account = await accounts.sign_in(
                self._server, person.localpart, password, f"{person.other_name or person.name} · office"
            )
        session = await accounts.open(account.key)
        self.sessions[key] = session
        return session

    async def open_all(self, passwords: Mapping[str, str], *, at_once: int = 3) -> None:
        """Open everybody in `passwords`, a few at a time. Raises the first error."""
        gate = asyncio.Semaphore(at_once)

        async def one(key: str, password: str) -> None:
            async with gate:
                await self.open(key, password)

        async with asyncio.TaskGroup() as group:
            for key, password in passwords.items():
                group.create_task(one(key, password))

    def attend(self) -> None:
        """From now on answer what visitors write and join the calls they start."""
        for key, session in self.sessions.items():
            self._rooms[key] = []
            self._scope.add(session.chat.watch_rooms(lambda batch, key=key: self._rooms_changed(key, batch)))  # type: ignore[misc]  # binds now
            self._scope.add(session.chat.watch_incoming(self._message))

    def present(self, room: RoomId) -> list[str]:
        """Colleagues who are joined to `room`."""
        return [key for key, rooms in self._rooms.items() if any(each.room == room for each in rooms)]

    async def close(self) -> None:
        await asyncio.gather(*(each.close() for each in tuple(self._attendants.values())))
        await self._scope.aclose()
        await asyncio.gather(*(session.close() for session in self.sessions.values()))

    # Chat

    def _message(self, message: IncomingMessage) -> None:
        known = message.sender in self.users or message.event in self._answered
        if known or not message.body or message.body in self._told:
            return
        self._answered[message.event] = None
        while len(self._answered) > REMEMBERED:
            del self._answered[next(iter(self._answered))]
        self._scope.spawn(self._answer(message), name="answer")

    async def _answer(self, message: IncomingMessage) -> None:
        answer = choose(message.body, self.present(message.room), self._sample)
        if answer is None:
            return
        try:
            await self._say(message, answer)
        except WeLinkError as error:
            _log.warning("no answer", room=short(message.room), why=literal(type(error).__name__))

    async def _say(self, message: IncomingMessage, answer: Answer) -> None:
        chat = self.sessions[answer.by].chat
        await chat.mark_read(message.room, message.event)
        if answer.reaction:
            await chat.react(message.room, message.event, answer.reaction)
        await chat.set_typing(message.room, True)
        await asyncio.sleep(random.uniform(*THINKING))  # noqa: S311  # a pause, not a secret
        await chat.send_text(message.room, OutgoingText(answer.text))
        await chat.set_typing(message.room, False)
        for key in self.present(message.room)[:4]:
            with contextlib.suppress(WeLinkError):
                await self.sessions[key].chat.mark_read(message.room, message.event)

    # Meetings

    def _rooms_changed(self, key: str, batch: RoomListBatch) -> None:
        rooms = self._rooms[key]
        before = {room.room: room.call for room in rooms}
        apply(rooms, batch.changes)
        for room in rooms:
            if room.call != before.get(room.room):
                self._call_changed(room)

    def _call_changed(self, room: RoomSummary) -> None:
        running = self._attendants.get(room.room)
        if running is not None:
            running.call_changed(room.call, self.users)
            return
        if room.call is None or all(member.user in self.users for member in room.call.members):
            return
        _log.info("a call begins", room=short(room.room))
        place = room.room
        attendants = Attendants(
            self._sample,
            place,
            room.name,
            self.sessions,
            self.present(place),
            self._equipment,
            ended=lambda: self._ended(place),
        )
        self._attendants[place] = attendants
        attendants.start()

    def _ended(self, room: RoomId) -> None:
        self._attendants.pop(room, None)
