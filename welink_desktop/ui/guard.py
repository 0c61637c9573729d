"""`@guarded`: an override that Qt calls never raises (an exception inside one can end the process)."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar, cast

from welink_desktop.core.log import literal, topic

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")

_log = topic("guard")


def guarded(*, default: R) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Log an exception of the wrapped Qt override and answer `default` instead."""

    def decorate(function: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        @functools.wraps(function)
        def safe(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(self, *args, **kwargs)
            except Exception as error:
                _log.error("Qt override failed", exc=error, override=literal(function.__qualname__))
                return default

        return cast("Callable[Concatenate[S, P], R]", safe)

    return decorate
