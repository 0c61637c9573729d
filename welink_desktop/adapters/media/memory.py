"""Anonymous shared memory between the app and its media process: never a file, gone with its last user (media_process §4)."""

import ctypes
import mmap
import os
import secrets
import sys
from dataclasses import dataclass
from typing import Protocol

SIZE = 48 << 20 if sys.platform == "win32" else 96 << 20
"""Bytes. On Linux and macOS only touched pages count; on Windows the whole size is committed at once."""


class Descriptors(Protocol):
    """What differs between POSIX systems: an unnamed, inheritable object of a fixed size."""

    def __call__(self, size: int) -> int: ...


@dataclass(slots=True)
class SharedMemory:
    """`descriptor` (POSIX) or `name` (Windows) leads the child to the same pages as `mapping`."""

    mapping: mmap.mmap
    descriptor: int = -1
    name: str = ""

    def close_descriptor(self) -> None:
        """Once the child has inherited it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def create(size: int = SIZE) -> SharedMemory:
    """Raises `OSError` when the system has no memory for it."""
    if sys.platform == "win32":
        name = f"Local\\welink-desktop-{secrets.token_hex(16)}"
        return SharedMemory(mmap.mmap(-1, size, tagname=name), name=name)
    make: Descriptors = _linux if sys.platform == "linux" else _posix
    descriptor = make(size)
    return SharedMemory(mmap.mmap(descriptor, size), descriptor=descriptor)


def attach(descriptor: int, name: str, size: int = SIZE) -> mmap.mmap:
    """The child's view of the same pages. A wrong name gives empty pages: the caller checks the arena's magic."""
    if sys.platform == "win32":
        return mmap.mmap(-1, size, tagname=name)
    try:
        return mmap.mmap(descriptor, os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)


def die_with_parent(parent: int) -> None:
    """Linux: the kernel kills this process when the parent's spawning thread ends. Elsewhere the closed socket must do."""
    if sys.platform != "linux":
        return
    set_parent_death_signal, kill = 1, 9
    ctypes.CDLL(None, use_errno=True).prctl(set_parent_death_signal, kill, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def _linux(size: int) -> int:
    import fcntl

    descriptor = os.memfd_create("welink-desktop-frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    # A child that could shrink the file would turn the app's next read into SIGBUS.
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return descriptor


def _posix(size: int) -> int:
    import _posixshmem  # type: ignore[import-not-found]  # part of CPython on macOS, without stub

    name = f"/wl{secrets.token_hex(12)}"
    descriptor: int = _posixshmem.shm_open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode=0o600)
    _posixshmem.shm_unlink(name)
    os.ftruncate(descriptor, size)
    return descriptor
