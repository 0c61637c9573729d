"""Synapse for evaluation and tests: SQLite, loopback, MatrixRTC on (matrixrtc §6)."""

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from welink_desktop.evaluation.places import LOOPBACK, synapse_python

DATABASE = "homeserver.db"
RAISED = {"per_second": 1000, "burst_count": 10000}
SIMPLE_LIMITS = (
    "rc_message",
    "rc_delayed_event_mgmt",
    "rc_registration",
    "rc_room_creation",
    "rc_admin_redaction",
    "rc_key_requests",
    "rc_media_create",
    "rc_reports",
    "rc_user_directory",
    "rc_profile",
    "rc_joins_per_room",
)
NESTED_LIMITS = {
    "rc_login": ("address", "account", "failed_attempts"),
    "rc_joins": ("local", "remote"),
    "rc_invites": ("per_room", "per_user", "per_issuer"),
    "rc_presence": ("per_user",),
}


@dataclass
class Synapse:
    """A homeserver in `directory`. `livekit_service_url` is announced as its meeting transport ("" = none).

    `secret` is the shared registration secret. With `default_limits` the server's own rate limits stay, otherwise they
    are raised out of the way. `extra` overrides configuration keys.
    """

    directory: Path
    port: int
    server_name: str
    secret: str = field(repr=False)
    livekit_service_url: str = ""
    default_limits: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return "Synapse"

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        synapse_python()
        key = self.directory / "signing.key"
        if not key.exists():
            seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
            key.write_text(f"ed25519 a_{secrets.token_hex(2)} {seed}\n", encoding="utf-8")
            key.chmod(0o600)
        self._write("logging.json", self._logging())
        self._write("homeserver.json", self.configuration())
        refresh_statistics(self.directory)

    def command(self) -> Sequence[str]:
        return [
            str(synapse_python()),
            "-m",
            "synapse.app.homeserver",
            "--config-path",
            str(self.directory / "homeserver.json"),
        ]

    def environment(self) -> Mapping[str, str]:
        return {"PYTHONPATH": "", "PYTHONUNBUFFERED": "1"}

    def healthy(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}/health", timeout=2, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def configuration(self) -> dict[str, Any]:
        """The homeserver's settings; JSON is YAML too."""
        settings: dict[str, Any] = {
            "server_name": self.server_name,
            "public_baseurl": f"{self.base_url}/",
            "listeners": [
                {
                    "port": self.port,
                    "bind_addresses": [LOOPBACK],
                    "type": "http",
                    "tls": False,
                    "x_forwarded": False,
                    "resources": [{"names": ["client", "federation"], "compress": False}],
                }
            ],
            "database": {"name": "sqlite3", "args": {"database": str(self.directory / DATABASE)}},
            "media_store_path": str(self.directory / "media"),
            "max_upload_size": "100M",
            "signing_key_path": str(self.directory / "signing.key"),
            "log_config": str(self.directory / "logging.json"),
            "registration_shared_secret": self.secret,
            "macaroon_secret_key": f"macaroon-{self.secret}",
            "form_secret": f"form-{self.secret}",
            "bcrypt_rounds": 4,
            "enable_registration": True,
            "enable_registration_without_verification": True,
            "report_stats": False,
            "suppress_key_server_warning": True,
            "trusted_key_servers": [],
            "allow_public_rooms_without_auth": False,
            "user_directory": {"enabled": True, "search_all_users": True},
            "refresh_token_lifetime": None,
            "max_event_delay_duration": "24h",
            "experimental_features": {
                name: True
                for name in (
                    "msc4143_enabled",
                    "msc4222_enabled",
                    "msc4354_enabled",
                    "msc3266_enabled",
                    "msc3814_enabled",
                    "msc3881_enabled",
                    "msc4306_enabled",
                    "msc4155_enabled",
                    "msc4267_enabled",
                )
            },
        }
        if self.livekit_service_url:
            transport = {"type": "livekit", "livekit_service_url": self.livekit_service_url}
            settings["matrix_rtc"] = {"transports": [transport]}
        if not self.default_limits:
            settings.update({name: RAISED for name in SIMPLE_LIMITS})
            settings.update({name: {part: RAISED for part in parts} for name, parts in NESTED_LIMITS.items()})
        settings.update(self.extra)
        return settings

    def _logging(self) -> dict[str, Any]:
        return {
            "version": 1,
            "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
            "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"level": "WARNING", "handlers": ["console"]},
            "disable_existing_loggers": False,
        }

    def _write(self, name: str, content: dict[str, Any]) -> None:
        file = self.directory / name
        file.touch(mode=0o600)
        file.write_text(json.dumps(content, indent=1), encoding="utf-8")


def refresh_statistics(directory: Path) -> None:
    """Tell SQLite what its tables hold; without this Synapse walks through a whole room for every message it hands out.

    Does nothing before the first start. A running server takes the first statistics of its database at once, later ones when
    it starts again.
    """
    file = directory / DATABASE
    if not file.exists():
        return
    with contextlib.closing(sqlite3.connect(file, timeout=30)) as connection:
        connection.execute("PRAGMA analysis_limit = 1000")
        connection.execute("ANALYZE")
        connection.commit()


def registration_mac(secret: str, nonce: str, user: str, password: str, admin: bool) -> str:
    """Proof of the shared secret for `/_synapse/admin/v1/register`."""
    mac = hmac.new(secret.encode(), digestmod=hashlib.sha1)
    mac.update(b"\0".join(part.encode() for part in (nonce, user, password, "admin" if admin else "notadmin")))
    return mac.hexdigest()
