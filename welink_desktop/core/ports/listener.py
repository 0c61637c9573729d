"""The type of a listener."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

Listener = Callable[[T], None]
