"""The LiveKit server for evaluation and tests, strictly on loopback (matrixrtc §8.2)."""

import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from welink_desktop.evaluation.places import LOOPBACK, free_ports, livekit_server


@dataclass
class LiveKit:
    """An SFU in `directory`. `key` and `secret` (≥ 32 characters) sign the admissions. Media go over one UDP port."""

    directory: Path
    port: int
    key: str
    secret: str = field(repr=False)
    media_port: int = 0

    @property
    def name(self) -> str:
        return "LiveKit"

    @property
    def url(self) -> str:
        return f"ws://{LOOPBACK}:{self.port}"

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        livekit_server()
        if not self.media_port:
            self.media_port = free_ports(1, socket.SOCK_DGRAM)[0]
        settings = {
            "port": self.port,
            "bind_addresses": [LOOPBACK],
            "rtc": {
                "tcp_port": 0,
                "udp_port": self.media_port,
                "use_external_ip": False,
                "node_ip": LOOPBACK,
                "enable_loopback_candidate": True,
                "ips": {"includes": [f"{LOOPBACK}/32"]},
                "stun_servers": [f"{LOOPBACK}:3478"],
            },
            "keys": {self.key: self.secret},
            "room": {"auto_create": True, "empty_timeout": 60, "departure_timeout": 5},
            "logging": {"level": "warn"},
        }
        file = self.directory / "livekit.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(settings, indent=1), encoding="utf-8")

    def command(self) -> Sequence[str]:
        return [str(livekit_server()), "--config", str(self.directory / "livekit.json")]

    def environment(self) -> Mapping[str, str]:
        return {}

    def healthy(self) -> bool:
        try:
            return httpx.get(f"http://{LOOPBACK}:{self.port}/", timeout=2, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False
