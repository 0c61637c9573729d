"""Where a profile keeps its things (architecture §11)."""

import logging
import logging.handlers
from dataclasses import dataclass
from pathlib import Path

from welink_desktop.core.errors import DiskFull
from welink_desktop.core.log import ROOT

LOG_BYTES = 2_000_000
LOG_FILES = 4


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

    def start_log(self) -> None:
        """Write topics to `logs/app.log`, at most 8 MB in all."""
        handler = logging.handlers.RotatingFileHandler(
            self.logs / "app.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8", delay=True
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        logger = logging.getLogger(ROOT)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
