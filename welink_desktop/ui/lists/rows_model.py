"""A list of records as a Qt item model: applies `core.changes` one by one and says so; never compares."""

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from welink_desktop.core.changes import Change, Insert, Move, Remove, Replace, Reset

T = TypeVar("T")


class RowsModel(QAbstractListModel, Generic[T]):
    """`items` is the list as shown. `settled` follows each batch of changes. `describe` gives the spoken text of a row."""

    settled = Signal()

    def __init__(self, describe: Callable[[int], str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.items: list[T] = []
        self._describe = describe

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.items)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.DisplayRole) and 0 <= index.row() < len(self.items):
            return self._describe(index.row())
        return None

    def apply(self, changes: Iterable[Change[T]]) -> None:
        """Raises `IndexError` for a change that does not fit."""
        for change in changes:
            self._apply(change)
        self.settled.emit()

    def _apply(self, change: Change[T]) -> None:
        nowhere = QModelIndex()
        match change:
            case Insert(index, new):
                if new:
                    self.beginInsertRows(nowhere, index, index + len(new) - 1)
                    self.items[index:index] = new
                    self.endInsertRows()
            case Remove(index, count):
                self.beginRemoveRows(nowhere, index, index + count - 1)
                del self.items[index : index + count]
                self.endRemoveRows()
            case Replace(index, item):
                self.items[index] = item
                place = self.index(index)
                self.dataChanged.emit(place, place)
            case Move(source, target):
                self._apply(Insert(target, (self._taken(source),)))
            case Reset(new):
                self.beginResetModel()
                self.items = list(new)
                self.endResetModel()

    def _taken(self, source: int) -> T:
        item = self.items[source]
        self._apply(Remove(source, 1))
        return item
