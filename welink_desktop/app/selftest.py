"""`--selftest`: what the app needs on this computer, as JSON. Exit code 1 if something it cannot do without fails.

Each check is "ok", "absent" (the app works without it) or "failed". No account and no network is touched.
"""

import asyncio
import importlib
import json
import ssl
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from welink_desktop import __version__
from welink_desktop.app.options import Options
from welink_desktop.core.calls import MediaDevices
from welink_desktop.core.errors import KeyringMissing, MediaEngineFailed

MODULES = ("PySide6.QtWidgets", "qasync", "fluent.runtime", "httpx", "vodozemac", "cryptography", "pypinyin", "tomlkit", "nh3")
ENTRY = "selftest"


@dataclass(frozen=True, slots=True)
class Check:
    """`detail` is for the person who set the computer up."""

    name: str
    state: str
    detail: str = ""


def main(options: Options) -> int:
    """Print the report to standard output."""
    checks = [
        _guard("imports", _imports),
        _guard("resources", _resources),
        _guard("keyring", _keyring),
        _guard("store", _store),
        _guard("tls", _tls),
        *_media(),
    ]
    good = all(check.state != "failed" for check in checks)
    report = {
        "version": __version__,
        "ok": good,
        "checks": [{"name": check.name, "state": check.state, "detail": check.detail} for check in checks],
    }
    sys.stdout.write(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return 0 if good else 1


def _guard(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception as error:
        return Check(name, "failed", type(error).__name__)


def _imports() -> Check:
    missing = []
    for module in MODULES:
        try:
            importlib.import_module(module)
        except ImportError:
            missing.append(module)
    return Check("imports", "failed" if missing else "ok", ", ".join(missing))


def _resources() -> Check:
    from welink_desktop.core.resources import resource_root
    from welink_desktop.strings import LANGUAGES, Strings

    keys = {language: len(Strings(language).keys()) for language in LANGUAGES}
    good = resource_root().is_dir() and all(keys.values())
    return Check("resources", "ok" if good else "failed", ", ".join(f"{name}: {count} texts" for name, count in keys.items()))


def _keyring() -> Check:
    from welink_desktop.adapters.keyring.system import KeyringSecrets

    secrets = KeyringSecrets(ENTRY, deadline=10)
    if not secrets.available():
        return Check("keyring", "absent", "no key store; keys can be kept in a file")
    try:
        secrets.set(ENTRY, b"works")
        kept = secrets.get(ENTRY) == b"works"
        secrets.delete(ENTRY)
    except KeyringMissing:
        return Check("keyring", "absent", "the key store is locked or fails; keys can be kept in a file")
    return Check("keyring", "ok" if kept else "failed")


def _store() -> Check:
    from welink_desktop.adapters.matrix.store.database import KEY_BYTES, Database
    from welink_desktop.adapters.matrix.store.schema import MIGRATIONS

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        Database.open(path, bytes(KEY_BYTES), MIGRATIONS).close()
        encrypted = not path.read_bytes().startswith(b"SQLite format 3")
        Database.open(path, bytes(KEY_BYTES), MIGRATIONS).close()
    return Check("store", "ok" if encrypted else "failed", "encrypted" if encrypted else "not encrypted")


def _tls() -> Check:
    context = importlib.import_module("truststore").SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    good = context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname
    return Check("tls", "ok" if good else "failed", ssl.OPENSSL_VERSION)


def _media() -> list[Check]:
    """The media process loads LiveKit and lists the computer's devices."""
    from welink_desktop.adapters.media.client import ProcessMediaEngine

    try:
        devices = asyncio.run(ProcessMediaEngine().devices())
    except MediaEngineFailed:
        return [
            Check("livekit", "failed", "the media process does not start"),
            Check("audio", "failed"),
            Check("camera", "failed"),
        ]
    return [Check("livekit", "ok"), *_devices(devices)]


def _devices(devices: MediaDevices) -> list[Check]:
    sound = f"{len(devices.microphones)} microphones, {len(devices.speakers)} speakers"
    some = bool(devices.microphones or devices.speakers)
    cameras = f"{len(devices.cameras)} cameras"
    return [Check("audio", "ok" if some else "absent", sound), Check("camera", "ok" if devices.cameras else "absent", cameras)]
