"""Element Call in headless Chromium as an opponent: serves its bundle, drives `element_call.mjs` by JSON lines.

The Node packages lie in `build/node` (installed from `package.json` beside this file by the set-up).
"""

import asyncio
import http.server
import itertools
import json
import mimetypes
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
NODE = Path(os.environ.get("WELINK_NODE_DIR", HERE.parent.parent / "build" / "node"))
BUNDLE = NODE / "node_modules" / "@element-hq" / "element-call-embedded" / "dist"


class OpponentError(Exception):
    """The page or the browser answered with an error."""


def missing() -> str:
    """What keeps the opponent from running, "" if nothing does."""
    if shutil.which("node") is None or shutil.which("chromium") is None:
        return "Node or Chromium is not installed (make setup-test)"
    if not BUNDLE.is_dir() or not (NODE / "node_modules" / "playwright-core").is_dir():
        return "the Node packages are not installed (make setup-test)"
    return ""


@contextmanager
def served(homeserver: str, server_name: str) -> Iterator[str]:
    """The bundle with a single-page fallback on a free port; yields its URL."""
    mimetypes.add_type("application/wasm", ".wasm")
    mimetypes.add_type("text/javascript", ".js")
    config = {"default_server_config": {"m.homeserver": {"base_url": homeserver, "server_name": server_name}}}
    body = json.dumps(config).encode()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, directory=str(BUNDLE), **kwargs)

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == "/config.json":
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
            if not (BUNDLE / path.lstrip("/")).is_file():
                self.path = "/index.html"
            super().do_GET()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="element-call-bundle")
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class ElementCall:
    """A browser with any number of participants, told apart by `name` (commands: see `element_call.mjs`)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._ids = itertools.count(1)

    @classmethod
    async def start(cls, url: str) -> "ElementCall":
        environment = dict(os.environ, EC_URL=url, EC_CHROMIUM="/usr/bin/chromium", EC_NODE_DIR=str(NODE))
        environment["EC_CHROMIUM"] = shutil.which("chromium") or "chromium"
        process = await asyncio.create_subprocess_exec(
            "node",
            str(HERE / "element_call.mjs"),
            env=environment,
            limit=1 << 24,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        browser = cls(process)
        async with asyncio.timeout(60):
            await browser._line()
        return browser

    async def call(self, command: str, name: str = "", **arguments: Any) -> Any:
        """One command at a time. Raises `OpponentError`."""
        number = next(self._ids)
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps({**arguments, "id": number, "cmd": command, "name": name}) + "\n").encode())
        await self._process.stdin.drain()
        async with asyncio.timeout(120):
            while True:
                answer = await self._line()
                if answer.get("id") == number:
                    break
        if "error" in answer:
            raise OpponentError(f"{command}: {answer['error']}")
        return answer.get("ok")

    async def stop(self) -> None:
        if self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                async with asyncio.timeout(10):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    async def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise OpponentError("the browser is gone")
        answer: dict[str, Any] = json.loads(line)
        return answer
