"""The organisation as a tree of departments (Matrix spaces)."""

from dataclasses import dataclass

from welink_desktop.core.ids import RoomId


@dataclass(frozen=True, slots=True)
class Department:
    """A node of the tree. `people` counts everyone in it and below it, each person once. `space` is its Matrix space."""

    space: RoomId
    name: str
    people: int
    children: tuple["Department", ...] = ()


@dataclass(frozen=True, slots=True)
class Organisation:
    """`complete` is false while the tree is still loading or where rooms were hidden from this account."""

    name: str
    root: Department
    complete: bool = True
