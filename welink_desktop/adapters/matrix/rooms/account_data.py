"""Account data that rooms depend on: push rules, direct chats."""

import json

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.store import account
from welink_desktop.adapters.matrix.store.database import Database, Transaction
from welink_desktop.adapters.matrix.wire.values import Json, object_of, texts_of
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.reactive import Signal


class AccountData:
    """Global account data of the account; memory in front of the table."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._data: dict[str, Json] = {}
        self._direct: dict[RoomId, UserId] = {}
        self.changed: Signal[str] = Signal()
        """Types that the server told anew, after their commit."""
        self.reload()

    def reload(self) -> None:
        with self._database.read() as t:
            loaded = {name: json.loads(content) for name, content in account.account_data(t).items()}
        self._data = {name: content for name, content in loaded.items() if isinstance(content, dict)}
        self._index()

    def put(self, t: Transaction, event_type: str, content: Json) -> None:
        t.on_rollback(self.reload)
        account.set_account_data(t, event_type, json.dumps(content))
        self._data[event_type] = content
        t.after_commit(lambda: self.changed.emit(event_type))
        if event_type == names.DIRECT:
            self._index()

    def get(self, event_type: str) -> Json:
        """Empty if the server never told it."""
        return self._data.get(event_type, {})

    @property
    def rules(self) -> Json:
        return object_of(self._data.get(names.PUSH_RULES), "global")

    def direct_with(self, room: RoomId) -> UserId | None:
        return self._direct.get(room)

    def direct_rooms(self, user: UserId) -> list[RoomId]:
        return [RoomId(room) for room in texts_of(self.get(names.DIRECT), user)]

    def _index(self) -> None:
        direct = self.get(names.DIRECT)
        self._direct = {RoomId(room): UserId(user) for user in direct if user.startswith("@") for room in texts_of(direct, user)}
