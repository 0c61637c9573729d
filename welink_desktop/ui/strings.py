"""Words on screen: `tr` renders in the current language, `translated` follows a change of it without restart."""

from collections.abc import Callable

from PySide6.QtCore import QObject

from welink_desktop.core.reactive import Cancel, State
from welink_desktop.core.text import Text, TextArgument, text
from welink_desktop.strings import Strings, strings
from welink_desktop.ui.bind import bind

language: State[Strings] = State(strings("en"))
"""The current catalogues. `language.set(strings("zh-CN"))` changes every text on screen."""


def tr(what: Text | str, /, **args: TextArgument) -> str:
    """`tr("chat-send")`, `tr("greeting", name="Lin")`, or `tr(Text(…))` from a model."""
    return language.value.render(what if isinstance(what, Text) else text(what, **args))


def current_strings() -> Strings:
    """For dates, sizes and numbers."""
    return language.value


def translated(owner: QObject, render: Callable[[], None]) -> Cancel:
    """Call `render` now and after each change of language, as long as `owner` lives."""
    import weakref

    if hasattr(render, "__self__"):
        method = weakref.WeakMethod(render)

        def again(_: Strings) -> None:
            function = method()
            if function is not None:
                function()

        return bind(owner, language, again)
    return bind(owner, language, lambda _: render())
