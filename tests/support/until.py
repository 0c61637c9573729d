"""Waiting for facts."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from welink_desktop.core.reactive import State

T = TypeVar("T")


async def until(state: State[T], wanted: Callable[[T], bool], seconds: float = 5.0) -> T:
    """The first value of `state` that is wanted, the present one included. Raises `TimeoutError`."""
    found: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def look(value: T) -> None:
        if not found.done() and wanted(value):
            found.set_result(value)

    cancel = state.watch(look)
    try:
        async with asyncio.timeout(seconds):
            return await found
    finally:
        cancel()


async def eventually(fact: Callable[[], bool], seconds: float = 5.0) -> None:
    """Returns once `fact()` is true. Raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not fact():
            await asyncio.sleep(0.005)
