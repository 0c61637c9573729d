"""To-device events between the sync answer that brought them and their effects (matrix.md §2.3, commit rule)."""

from collections.abc import Callable, Sequence

from welink_desktop.adapters.matrix.crypto.machine import CryptoMachine
from welink_desktop.adapters.matrix.crypto.records import News
from welink_desktop.adapters.matrix.store.crypto import Inbox
from welink_desktop.adapters.matrix.store.database import Database, Transaction
from welink_desktop.core.log import topic

BATCH = 64
"""Events per transaction: each one's session, results and inbox row go together."""

_log = topic("crypto.inbox")


class InboxReader:
    """Stores raw events and processes them in order. `waiting`: there may be more (true at first: a crash may have left some)."""

    def __init__(self, machine: CryptoMachine, told: Callable[[Transaction, News], None]) -> None:
        self.waiting = True
        self._machine = machine
        self._told = told

    def add(self, transaction: Transaction, events: Sequence[object]) -> None:
        Inbox.add(transaction, events)
        self.waiting = True

    def process(self, database: Database, transaction: Transaction) -> None:
        """Process the oldest events. One that cannot be processed is dropped with a log line; it never stops the others."""
        rows = Inbox.next(transaction, BATCH)
        news = News()
        for _, event in rows:
            try:
                with database.transaction() as nested:
                    nested.on_rollback(self._machine.forget)
                    found = self._machine.receive_to_device(event)
            except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
                _log.error("to-device event dropped", exc=error)
            else:
                news.add(found)
        Inbox.remove(transaction, [position for position, _ in rows])
        self.waiting = len(rows) == BATCH
        self._told(transaction, news)
