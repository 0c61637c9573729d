"""Rules of the organisation: `managed/*.json` are forced, `recommended/*.json` are defaults that a person may change.

Files are merged in name order, later ones win; flat objects `{"appearance.theme": "dark"}`. A file that is not owned by root,
that others may write, that is too large or broken is ignored with a log line.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from welink_desktop.adapters.settings.schema import known_keys
from welink_desktop.core.log import topic

_log = topic("policies")
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Policies:
    """Flat settings values by source."""

    forced: Mapping[str, object] = field(default_factory=dict)
    recommended: Mapping[str, object] = field(default_factory=dict)


def system_policy_folder() -> Path | None:
    """Where administrators of this computer put rules; None where the system has another way for them."""
    return Path("/etc/welink-desktop/policies") if sys.platform.startswith("linux") else None


def read_policies(folder: Path | None, *, owner: int = 0) -> Policies:
    """The rules in `folder`. `owner` is the user id that files must belong to."""
    if folder is None:
        return Policies()
    return Policies(_merge(folder / "managed", owner), _merge(folder / "recommended", owner))


def _merge(folder: Path, owner: int) -> dict[str, object]:
    if not folder.is_dir() or not _trusted(folder, owner):
        return {}
    values: dict[str, object] = {}
    for path in sorted(folder.glob("*.json")):
        values.update(_read(path, owner))
    return values


def _read(path: Path, owner: int) -> dict[str, object]:
    try:
        if not _trusted(path, owner) or path.stat().st_size > _MAX_BYTES:
            _log.warning("policy file ignored: not trusted")
            return {}
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        _log.warning("policy file ignored: unreadable")
        return {}
    if not isinstance(document, dict):
        _log.warning("policy file ignored: no object")
        return {}
    keys = known_keys()
    return {key: value for key, value in document.items() if key in keys}


def _trusted(path: Path, owner: int) -> bool:
    if os.name == "nt":
        return False
    status = path.stat()
    return status.st_uid == owner and not status.st_mode & 0o022
