"""Single statements that join the running transaction, or are one by themselves. Base of the stores of encryption."""

from collections.abc import Sequence

from welink_desktop.adapters.matrix.store.database import Database, Row


class Statements:
    def __init__(self, database: Database) -> None:
        self._database = database

    def _write(self, sql: str, params: Sequence[object] = ()) -> int:
        """Returns the number of changed rows."""
        running = self._database.running
        if running is not None:
            return running.execute(sql, params)
        with self._database.transaction() as t:
            return t.execute(sql, params)

    def _row(self, sql: str, params: Sequence[object] = ()) -> Row | None:
        with self._database.read() as t:
            return t.row(sql, params)

    def _rows(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        with self._database.read() as t:
            return t.rows(sql, params)
