"""How lists change, end to end: the producer says what changed, nobody diffs again."""

from collections.abc import Iterable, MutableSequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Insert(Generic[T]):
    """`items` now stand at `index` (0 ≤ index ≤ length), in order."""

    index: int
    items: tuple[T, ...]


@dataclass(frozen=True, slots=True)
class Remove:
    """`count` ≥ 1 items from `index` on are gone."""

    index: int
    count: int


@dataclass(frozen=True, slots=True)
class Replace(Generic[T]):
    """The item at `index` has a new value; its identity is the same."""

    index: int
    item: T


@dataclass(frozen=True, slots=True)
class Move:
    """The item at `source` now stands at `target`, counted after its removal."""

    source: int
    target: int


@dataclass(frozen=True, slots=True)
class Reset(Generic[T]):
    """Forget everything; the list is `items`."""

    items: tuple[T, ...]


Change = Insert[T] | Remove | Replace[T] | Move | Reset[T]


def apply(items: MutableSequence[T], changes: Iterable[Change[T]]) -> None:
    """Bring `items` up to date in place. Raises `IndexError` for a change that does not fit."""
    for change in changes:
        match change:
            case Insert(index, new):
                _check(0 <= index <= len(items), change)
                items[index:index] = new
            case Remove(index, count):
                _check(count >= 1 and index >= 0 and index + count <= len(items), change)
                del items[index : index + count]
            case Replace(index, item):
                _check(0 <= index < len(items), change)
                items[index] = item
            case Move(source, target):
                _check(0 <= source < len(items) and 0 <= target < len(items), change)
                items.insert(target, items.pop(source))
            case Reset(new):
                items[:] = new


def _check(fits: bool, change: object) -> None:
    if not fits:
        raise IndexError(f"change does not fit the list: {type(change).__name__}")
