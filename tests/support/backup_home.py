"""The part of a homeserver that keeps secrets and room keys, in memory, with the replacement rules of the real one.

An instance is the line of one account: `request` and `download` as `Http` has them.
"""

import contextlib
import json as json_module
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from welink_desktop.adapters.matrix.errors import matrix_error
from welink_desktop.adapters.matrix.http import Download

Json = dict[str, Any]


class BackupHome:
    """`fail` is raised by every request while set; `calls` lists method and path below `/v3`, without the user's part."""

    def __init__(self) -> None:
        self.account_data: dict[str, Json] = {}
        self.versions: dict[str, Json] = {}
        self.kept: dict[str, dict[str, dict[str, Json]]] = {}
        self.calls: list[str] = []
        self.fail: Exception | None = None
        self.chunk = 1000
        self.refused: set[str] = set()
        """Sessions that make the server refuse an upload."""
        self._made = 0

    async def request(
        self,
        method: str,
        path: Sequence[str],
        *,
        query: Mapping[str, str | int] | None = None,
        json: Mapping[str, Any] | None = None,
        deadline: float = 30.0,
        limit: int = 1 << 20,
    ) -> Json:
        parts = tuple(path[3:])
        self.calls.append(" ".join((method, *(parts if parts[0] == "room_keys" else parts[-1:]))))
        if self.fail is not None:
            raise self.fail
        body = json_module.loads(json_module.dumps(json))
        version = str((query or {}).get("version", ""))
        match (method, *parts):
            case (_, "user", _, "account_data", kind):
                answer = self._data(method, kind, body)
            case ("POST", "room_keys", "version"):
                answer = self.make_version(body)
            case ("GET", "room_keys", "version"):
                answer = self._current()
            case ("DELETE", "room_keys", "version", name):
                answer = self._delete(name)
            case ("PUT", "room_keys", "keys"):
                answer = self._put(version, body)
            case ("GET", "room_keys", "keys", room):
                answer = {"sessions": self._of(version).get(room, {})}
            case ("GET", "room_keys", "keys", room, session):
                found = self._of(version).get(room, {}).get(session)
                if found is None:
                    raise not_found()
                answer = found
            case _:
                raise AssertionError(f"unexpected request {method} {parts}")
        copied: Json = json_module.loads(json_module.dumps(answer))
        return copied

    @contextlib.asynccontextmanager
    async def download(
        self, path: Sequence[str], *, query: Mapping[str, str | int] | None = None, limit: int
    ) -> AsyncIterator[Download]:
        assert tuple(path[3:]) == ("room_keys", "keys")
        self.calls.append("GET room_keys keys")
        if self.fail is not None:
            raise self.fail
        kept = self._of(str((query or {})["version"]))
        data = json_module.dumps({"rooms": {room: {"sessions": sessions} for room, sessions in kept.items()}}).encode()
        yield Download("application/json", len(data), self._chunks(data))

    def make_version(self, body: Json) -> Json:
        self._made += 1
        name = str(self._made)
        self.versions[name] = body
        self.kept[name] = {}
        return {"version": name}

    def all_of(self, version: str) -> dict[tuple[str, str], Json]:
        """Everything kept under a version, by room and session."""
        return {(room, name): entry for room, sessions in self.kept[version].items() for name, entry in sessions.items()}

    async def _chunks(self, data: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(data), self.chunk):
            if self.fail is not None:
                raise self.fail
            yield data[start : start + self.chunk]

    def _data(self, method: str, kind: str, body: Json) -> Json:
        if method == "PUT":
            self.account_data[kind] = body
            return {}
        if kind not in self.account_data:
            raise not_found()
        return self.account_data[kind]

    def _newest(self) -> str | None:
        return max(self.versions, key=int, default=None)

    def _current(self) -> Json:
        name = self._newest()
        if name is None:
            raise not_found()
        return {**self.versions[name], "version": name, "count": len(self.all_of(name)), "etag": "0"}

    def _delete(self, name: str) -> Json:
        if self.versions.pop(name, None) is None:
            raise not_found()
        return {}

    def _of(self, version: str) -> dict[str, dict[str, Json]]:
        if version not in self.versions:
            raise not_found()
        return self.kept[version]

    def _put(self, version: str, body: Json) -> Json:
        current = self._newest()
        if current is None:
            raise not_found()
        if version != current:
            raise matrix_error(403, {"errcode": "M_WRONG_ROOM_KEYS_VERSION", "current_version": current})
        if any(self.refused & part["sessions"].keys() for part in body["rooms"].values()):
            raise matrix_error(400, {"errcode": "M_BAD_JSON"})
        for room, part in body["rooms"].items():
            for session, entry in part["sessions"].items():
                kept = self.kept[version].setdefault(room, {})
                if session not in kept or _better(entry, kept[session]):
                    kept[session] = entry
        return {"etag": "1", "count": len(self.all_of(version))}


def not_found() -> Exception:
    return matrix_error(404, {"errcode": "M_NOT_FOUND"})


def _better(new: Json, old: Json) -> bool:
    if new["is_verified"] != old["is_verified"]:
        return bool(new["is_verified"])
    if new["first_message_index"] != old["first_message_index"]:
        return bool(new["first_message_index"] < old["first_message_index"])
    return bool(new["forwarded_count"] < old["forwarded_count"])
