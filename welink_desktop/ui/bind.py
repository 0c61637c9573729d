"""Watching a `State` from a widget, un-watched by itself when the widget goes."""

import weakref
from collections.abc import Callable
from typing import TypeVar

import shiboken6
from PySide6.QtCore import QObject

from welink_desktop.core.reactive import Cancel, Signal, State

T = TypeVar("T")


def bind(owner: QObject, state: State[T], render: Callable[[T], None]) -> Cancel:
    """Call `render` now and on each change, as long as `owner` lives. A bound method does not keep its object alive."""
    cancel = state.watch(_while_alive(owner, render))
    owner.destroyed.connect(lambda *_: cancel())
    return cancel


def listen(owner: QObject, signal: Signal[T], receive: Callable[[T], None]) -> Cancel:
    """As `bind`, for things that happen and are not kept."""
    cancel = signal.listen(_while_alive(owner, receive))
    owner.destroyed.connect(lambda *_: cancel())
    return cancel


def _while_alive(owner: QObject, call: Callable[[T], None]) -> Callable[[T], None]:
    alive = weakref.ref(owner)
    method = weakref.WeakMethod(call) if hasattr(call, "__self__") and hasattr(call, "__func__") else None

    def forward(value: T) -> None:
        target = alive()
        if target is None or not shiboken6.isValid(target):
            return
        function = method() if method is not None else call
        if function is not None:
            function(value)

    return forward
