"""A real matrix-js-sdk with its Rust crypto as an opponent: `peer.mjs` processes driven by JSON lines.

The Node packages lie in `build/node` (installed from `package.json` beside this file by the set-up).
"""

import asyncio
import itertools
import json
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NODE = Path(os.environ.get("WELINK_NODE_DIR", HERE.parent.parent / "build" / "node"))

Event = dict[str, Any]


class PeerError(Exception):
    """The opponent answered with an error."""


def missing() -> str:
    """What keeps the opponent from running, "" if nothing does."""
    if shutil.which("node") is None:
        return "Node is not installed (make setup-test)"
    if not (NODE / "node_modules" / "matrix-js-sdk").exists():
        return "the Node packages are not installed (make setup-test)"
    return ""


class Peer:
    """`p = await Peer.start("alice"); await p.login(base=…, user=…, password=…)`: every command is a method."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.events: list[Event] = []
        self._process = process
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Event]] = {}
        self._news = asyncio.Condition()
        self._reader = asyncio.get_running_loop().create_task(self._read(), name=f"peer-{name}")

    @classmethod
    async def start(cls, name: str, folder: Path) -> "Peer":
        """Start a process; `folder` keeps the SDK's log. The script runs from a copy beside the packages it imports."""
        script = NODE / "peer.mjs"
        if not script.exists() or script.read_bytes() != (HERE / "peer.mjs").read_bytes():
            fresh = folder / f"peer-{name}.mjs"
            shutil.copyfile(HERE / "peer.mjs", fresh)
            fresh.replace(script) if fresh.stat().st_dev == NODE.stat().st_dev else shutil.copyfile(fresh, script)
        process = await asyncio.create_subprocess_exec(
            "node",
            script.name,
            cwd=NODE,
            env=dict(os.environ, PEER_LOG=str(folder / f"{name}.log")),
            limit=1 << 26,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        peer = cls(name, process)
        await peer.event(lambda event: event["event"] == "ready", 60)
        return peer

    async def event(self, wanted: Callable[[Event], bool], timeout: float = 20) -> Event:
        """The first event, past or to come, that is wanted."""
        async with asyncio.timeout(timeout), self._news:
            while True:
                found = next((one for one in self.events if wanted(one)), None)
                if found is not None:
                    return found
                await self._news.wait()

    async def call(self, command: str, **arguments: Any) -> Any:
        number = next(self._ids)
        answer: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps({**arguments, "id": number, "cmd": command}) + "\n").encode())
        await self._process.stdin.drain()
        async with asyncio.timeout(arguments.get("timeout", 20) + 60):
            result = await answer
        if not result["ok"]:
            raise PeerError(f"{self.name}.{command}: {result['error']}")
        return result["result"]

    def __getattr__(self, command: str) -> Callable[..., Awaitable[Any]]:
        if command.startswith("_"):
            raise AttributeError(command)

        def run(**arguments: Any) -> Awaitable[Any]:
            return self.call(command, **arguments)

        return run

    async def stop(self) -> None:
        if self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                async with asyncio.timeout(5):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        await self._reader

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            message = json.loads(line)
            if "event" in message:
                async with self._news:
                    self.events.append(message)
                    self._news.notify_all()
            elif message.get("id") in self._waiting:
                self._waiting.pop(message["id"]).set_result(message)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(PeerError(f"{self.name}: process ended"))
