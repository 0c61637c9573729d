"""Puts the sample organisation on a fresh homeserver through its client-server and admin API.

Accounts with names, portraits and profile fields; departments as nested spaces; encrypted rooms with their members.
What people write to each other is encrypted, so only their own clients can write it: see `colleagues`.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from welink_desktop.core.errors import EvaluationFailed
from welink_desktop.evaluation.client import MatrixClient, register
from welink_desktop.evaluation.pictures import AVATAR, CAMERA, drawn
from welink_desktop.evaluation.sample import Sample, SamplePerson, SampleRoom

FIELD = "io.welinkdesktop."
CALL_MEMBER = "org.matrix.msc3401.call.member"


@dataclass(frozen=True, slots=True)
class SeededRooms:
    """Where the sample's rooms and departments are on the server."""

    rooms: dict[str, str]
    spaces: dict[str, str]
    passwords: dict[str, str]


def load_seeded(folder: Path) -> SeededRooms:
    """What `seed` wrote down. Raises `EvaluationFailed` if it never ended."""
    try:
        return SeededRooms(**json.loads((folder / "seeded.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise EvaluationFailed(part="sample organisation", reason="it is incomplete; “reset” makes a new one") from error


class Seeder:
    """Seeds one empty homeserver, once: an interrupted seeding is begun again on an empty server."""

    def __init__(self, sample: Sample, base_url: str, secret: str, viewer_password: str, folder: Path) -> None:
        self._sample = sample
        self._base_url = base_url
        self._secret = secret
        self._folder = folder
        self._viewer_password = viewer_password
        self._clients: dict[str, MatrixClient] = {}
        self._passwords: dict[str, str] = {}

    def run(self, progress: Callable[[str], None]) -> SeededRooms:
        """Seed everything; `progress` gets catalogue keys. Raises `EvaluationFailed`."""
        try:
            progress("evaluation-step-people")
            self._people()
            progress("evaluation-step-departments")
            spaces = self._departments()
            progress("evaluation-step-rooms")
            rooms = {room.key: self._room(room) for room in self._sample.rooms}
            self._viewer_settings(rooms)
            seeded = SeededRooms(rooms, spaces, self._passwords)
            self._write(seeded)
            for client in self._clients.values():
                client.call("POST", "client", "v3", "logout", body={})
            return seeded
        finally:
            for client in self._clients.values():
                client.close()

    def _people(self) -> None:
        portraits = drawn(
            self._folder / "pictures", {f"people/{p.avatar}": AVATAR for p in self._sample.people.values() if p.avatar}
        )
        drawn(self._folder / "pictures", {f"people/{p.camera}": CAMERA for p in self._sample.people.values() if p.camera})
        for key, person in self._sample.people.items():
            password = self._viewer_password if key == self._sample.viewer else f"colleague-{secrets.token_hex(8)}"
            account = register(self._base_url, self._secret, person.localpart, password, name=person.name)
            self._passwords[key] = password
            client = MatrixClient(self._base_url, account.access_token, account.user_id)
            self._clients[key] = client
            if person.avatar:
                self._avatar(client, portraits[f"people/{person.avatar}"])
            for field, value in self._profile(person).items():
                client.call("PUT", "client", "v3", "profile", client.user_id, field, body={field: value})

    def _avatar(self, client: MatrixClient, picture: Path) -> None:
        uri = client.upload(picture.read_bytes(), "image/png", picture.name)
        client.call("PUT", "client", "v3", "profile", client.user_id, "avatar_url", body={"avatar_url": uri})

    def _profile(self, person: SamplePerson) -> dict[str, Any]:
        manager = self._sample.user_id(person.manager) if person.manager else ""
        domain = "northbridge.example" if "Northbridge" in person.organisation else self._sample.server_name
        fields: dict[str, Any] = {
            f"{FIELD}name_other": person.other_name,
            f"{FIELD}organisation": person.organisation,
            f"{FIELD}staff_number": person.staff_number,
            f"{FIELD}title": person.title,
            f"{FIELD}department": person.department,
            f"{FIELD}department_path": list(person.department_path),
            f"{FIELD}phone": person.phone,
            f"{FIELD}mail": f"{person.localpart}@{domain}",
            f"{FIELD}location": person.location,
            f"{FIELD}manager": manager,
            "m.tz": person.time_zone,
        }
        if person.status[0]:
            fields["m.status"] = {"text": person.status[0], "emoji": person.status[1]}
        return {name: value for name, value in fields.items() if value}

    def _departments(self) -> dict[str, str]:
        spaces: dict[str, str] = {}
        owner = self._clients["zhao"]
        for department in self._sample.departments:
            space = owner.create_room(
                name=department.name,
                topic=department.english,
                creation_content={"type": "m.space"},
                preset="public_chat",
                visibility="private",
                power_level_content_override={"events_default": 100},
                initial_state=[
                    {"type": "m.room.history_visibility", "content": {"history_visibility": "world_readable"}},
                ],
            )
            spaces[department.key] = space
            if department.parent:
                order = f"{len(spaces):04d}"
                content = {"via": [self._sample.server_name], "order": order}
                owner.set_state(spaces[department.parent], "m.space.child", content, space)
                parent = {"via": [self._sample.server_name], "canonical": True}
                owner.set_state(space, "m.space.parent", parent, spaces[department.parent])
        names = {department.name: spaces[department.key] for department in self._sample.departments}
        root = spaces[self._sample.departments[0].key]
        for key, person in self._sample.people.items():
            if not person.external:
                for space in {root, names[person.department]}:
                    self._clients[key].join(space)
        return spaces

    def _room(self, room: SampleRoom) -> str:
        owner = self._clients[room.people[0]]
        others = [self._sample.user_id(key) for key in room.people[1:]]
        settings: dict[str, Any] = {
            "preset": "trusted_private_chat" if room.direct else "private_chat",
            "is_direct": room.direct,
            "invite": others,
            "power_level_content_override": {"events": {CALL_MEMBER: 0, "org.matrix.msc3401.call": 0}},
            "initial_state": [{"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}],
        }
        if room.name:
            settings["name"] = room.name
        if room.topic:
            settings["topic"] = room.topic
        place = owner.create_room(**settings)
        for key in room.people[1:]:
            self._clients[key].join(place)
        if room.direct:
            for key in room.people:
                self._remember_direct(key, room, place)
        return place

    def _remember_direct(self, key: str, room: SampleRoom, place: str) -> None:
        client = self._clients[key]
        other = next(each for each in room.people if each != key)
        path = ("client", "v3", "user", client.user_id, "account_data", "m.direct")
        try:
            known = client.call("GET", *path)
        except EvaluationFailed:
            known = {}
        known[self._sample.user_id(other)] = [place]
        client.call("PUT", *path, body=known)

    def _viewer_settings(self, rooms: dict[str, str]) -> None:
        viewer = self._clients[self._sample.viewer]
        for room in self._sample.rooms:
            place = rooms[room.key]
            user = ("client", "v3", "user", viewer.user_id)
            if room.favourite:
                viewer.call("PUT", *user, "rooms", place, "tags", "m.favourite", body={"order": 0.5})
            if room.muted:
                path = ("client", "v3", "pushrules", "global", "override", place)
                condition = {"kind": "event_match", "key": "room_id", "pattern": place}
                viewer.call("PUT", *path, body={"actions": [], "conditions": [condition]})

    def _write(self, seeded: SeededRooms) -> None:
        file = self._folder / "seeded.json"
        file.touch(mode=0o600)
        content = {"rooms": seeded.rooms, "spaces": seeded.spaces, "passwords": seeded.passwords}
        file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
