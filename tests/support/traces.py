"""What a run left on the disk: finds texts that must not be there."""

import base64
import json
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from welink_desktop.app.profile import Profile
from welink_desktop.core.log import ROOT

ADMISSION = re.compile(rb"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}")
"""A signed admission to a meeting."""


@contextmanager
def logged(profile: Path) -> Iterator[Path]:
    """The app's log of this process, in everything it can say, in `profile/logs`."""
    place = Profile(profile)
    place.prepare()
    logger = logging.getLogger(ROOT)
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    place.start_log()
    logger.setLevel(logging.DEBUG)
    try:
        yield place.logs
    finally:
        for handler in [one for one in logger.handlers if one not in handlers]:
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(level)
        logger.propagate = propagate


def files_in(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def logs_in(folder: Path) -> list[Path]:
    """Every log, whoever writes it."""
    return [file for file in files_in(folder) if ".log" in file.name or "logs" in file.relative_to(folder).parts]


def files_with(files: Iterable[Path], *texts: str) -> list[tuple[str, str]]:
    """(file, first letters of the text) for every text that stands in one of `files`, as it is or in Base64."""
    found = []
    for file in files:
        content = file.read_bytes()
        for text in texts:
            raw = text.encode()
            if raw in content or base64.b64encode(raw).rstrip(b"=")[:-1] in content:
                found.append((file.name, f"{text[:6]}…"))
    return found


def tokens_in(secrets_file: Path) -> list[str]:
    """Access and refresh tokens, and store keys in hexadecimal and Base64, of a secrets file."""
    kept: list[str] = []
    for name, value in json.loads(secrets_file.read_text(encoding="utf-8")).items():
        raw = base64.b64decode(value)
        if name.endswith(".tokens"):
            content = json.loads(raw)
            kept += [content["access"], content["refresh"]]
        elif name.endswith(".store"):
            kept += [raw.hex(), base64.b64encode(raw).decode().rstrip("=")]
    return [one for one in kept if one]
