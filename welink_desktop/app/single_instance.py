"""One process per profile: a lock file, and a local socket over which a second start says "activate" and nothing else.

A message is 4 bytes of length (big endian) and that much JSON, at most 1 KB. On Linux the peer must be the same user.
"""

import hashlib
import json
import os
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QLockFile, QObject
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from welink_desktop.core.log import literal, topic

LENGTH = struct.Struct(">I")
LONGEST = 1024
ANSWER_MS = 2000

_log = topic("instance")


class SingleInstance(QObject):
    """`claim()` first; if it is refused, `activate_other()`. `listen` once the window is there."""

    def __init__(self, lock: Path) -> None:
        super().__init__()
        self._lock = QLockFile(str(lock))
        self._lock.setStaleLockTime(0)
        self._name = f"welink-desktop-{hashlib.sha256(str(lock).encode()).hexdigest()[:20]}"
        self._server: QLocalServer | None = None
        self._lines: list[QLocalSocket] = []
        self._activate: Callable[[], None] = lambda: None

    def claim(self) -> bool:
        """True: this process owns the profile until `release`. A lock left by a dead process is taken over."""
        return self._lock.tryLock(0)

    def listen(self, activate: Callable[[], None]) -> None:
        """Call `activate` whenever another start asks."""
        self._activate = activate
        server = QLocalServer(self)
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        QLocalServer.removeServer(self._name)
        server.newConnection.connect(self._accept)
        if not server.listen(self._name):
            _log.warning("cannot listen for other starts")
        self._server = server

    def activate_other(self) -> bool:
        """Ask the process that owns the profile to come forward; false if it does not answer."""
        line = QLocalSocket()
        line.connectToServer(self._name)
        if not line.waitForConnected(ANSWER_MS):
            return False
        body = json.dumps({"do": "activate"}).encode()
        line.write(LENGTH.pack(len(body)) + body)
        line.flush()
        answered = line.waitForReadyRead(ANSWER_MS) and bytes(line.readAll().data()) == b"\x01"
        line.disconnectFromServer()
        return answered

    def release(self) -> None:
        for line in list(self._lines):
            line.abort()
        if self._server is not None:
            self._server.close()
            self._server = None
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        self._lock.unlock()

    def _accept(self) -> None:
        server = self._server
        line = server.nextPendingConnection() if server is not None else None
        if line is None:
            return
        if not _same_user(line):
            _log.warning("refused a stranger's connection")
            line.abort()
            return
        self._lines.append(line)
        line.disconnected.connect(lambda: self._gone(line))
        line.readyRead.connect(lambda: self._read(line))
        if line.bytesAvailable():
            self._read(line)

    def _gone(self, line: QLocalSocket) -> None:
        if line in self._lines:
            self._lines.remove(line)
            line.deleteLater()

    def _read(self, line: QLocalSocket) -> None:
        if line.bytesAvailable() < LENGTH.size:
            return
        length = LENGTH.unpack(bytes(line.peek(LENGTH.size).data()))[0]
        if length > LONGEST:
            line.abort()
            return
        if line.bytesAvailable() < LENGTH.size + length:
            return
        body = bytes(line.read(LENGTH.size + length).data())[LENGTH.size :]
        if asks_to_activate(body):
            line.write(b"\x01")
            line.flush()
            self._activate()
        else:
            _log.warning("refused an unknown request", size=length, kind=literal("instance"))
            line.abort()


def asks_to_activate(body: bytes) -> bool:
    """The only request there is."""
    try:
        return bool(json.loads(body) == {"do": "activate"})
    except (ValueError, RecursionError):
        return False


def _same_user(line: QLocalSocket) -> bool:
    """Where the system tells who is at the other end, it must be us (elsewhere the socket's access rights decide)."""
    if not sys.platform.startswith("linux"):
        return True
    own = socket.socket(fileno=os.dup(int(line.socketDescriptor())))
    try:
        _, user, _ = struct.unpack("3i", own.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    except OSError:
        return False
    finally:
        own.close()
    return bool(user == os.getuid())
