"""Where a profile keeps its things (architecture §11)."""

import contextlib
import logging
import logging.handlers
import os
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from welink_desktop.core.errors import DiskFull
from welink_desktop.core.log import ROOT

LOG_BYTES = 2_000_000
LOG_FILES = 4


def keep_to_oneself() -> None:
    """What this process writes is readable by this user only, and a crash leaves no picture of its memory on disk."""
    os.umask(0o077)
    with contextlib.suppress(ImportError, OSError, ValueError):  # not on Windows; not where it is forbidden
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class _PrivateLog(logging.handlers.RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        stream = super()._open()
        Path(self.baseFilename).chmod(0o600)
        return stream


@dataclass(frozen=True, slots=True)
class Profile:
    root: Path

    @property
    def settings(self) -> Path:
        return self.root / "settings.toml"

    @property
    def accounts(self) -> Path:
        return self.root / "accounts"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def evaluation(self) -> Path:
        return self.root / "evaluation"

    @property
    def secrets_file(self) -> Path:
        """Only there when a person chose it instead of the system's key store."""
        return self.root / "secrets.json"

    @property
    def lock(self) -> Path:
        return self.root / "profile.lock"

    def prepare(self) -> None:
        """Make the folders, readable by this user only. Raises `DiskFull`."""
        try:
            for folder in (self.root, self.accounts, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(0o700)
        except OSError as error:
            raise DiskFull(type(error).__name__) from error

    def start_log(self, *, talkative: bool = False) -> None:
        """Write topics to `logs/app.log`, at most 8 MB in all, readable by this user only."""
        handler = _PrivateLog(self.logs / "app.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8", delay=True)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        logger = logging.getLogger(ROOT)
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG if talkative else logging.INFO)
        logger.propagate = False
