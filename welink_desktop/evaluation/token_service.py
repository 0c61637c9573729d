"""Turns a Matrix OpenID token into an admission to the SFU (matrixrtc §3): `/sfu/get` and `/get_token`.

Run as `python -m welink_desktop.evaluation.token_service CONFIG`, CONFIG being a JSON file written by `TokenService`.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from welink_desktop.evaluation.places import LOOPBACK

LARGEST_BODY = 64 * 1024
SLOT = "m.call#ROOM"
LIFETIME = 3600
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Accept, Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token",
}


@dataclass
class TokenService:
    """The service as a part of the backend: trusts the homeserver at `homeserver_url`, admits to `livekit_url`."""

    directory: Path
    port: int
    homeserver_url: str
    server_name: str
    livekit_url: str
    key: str
    secret: str = field(repr=False)

    @property
    def name(self) -> str:
        return "Token service"

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self.directory / "token-service.json"
        file.touch(mode=0o600)
        names = ("port", "homeserver_url", "server_name", "livekit_url", "key", "secret")
        file.write_text(json.dumps({name: getattr(self, name) for name in names}), encoding="utf-8")

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", __name__, str(self.directory / "token-service.json")]

    def environment(self) -> Mapping[str, str]:
        return {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}

    def healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False


class Refused(Exception):
    """A request that is answered with an error. `code` is a Matrix error code."""

    def __init__(self, status: int, code: str, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.code = code
        self.why = why


@dataclass(frozen=True, slots=True)
class Admission:
    """A checked request: who may enter which SFU room under which identity once the OpenID token is verified."""

    room: str
    slot: str
    device: str
    openid_token: str = field(repr=False)
    openid_server: str
    claimed_user: str = ""
    member: str = ""

    def identity(self, user: str) -> str:
        """The participant's name at the SFU (§3.4)."""
        return hashed(user, self.device, self.member) if self.member else f"{user}:{self.device}"


def hashed(*parts: str) -> str:
    """Unpadded base64 of the SHA-256 of the compact JSON list (§3.4)."""
    text = json.dumps(list(parts), separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def signed(key: str, secret: str, identity: str, room: str, *, now: float, lifetime: int = LIFETIME) -> str:
    """A LiveKit admission: JSON web token, HS256."""
    claims = {
        "iss": key,
        "sub": identity,
        "nbf": int(now) - 10,
        "exp": int(now) + lifetime,
        "video": {"room": room, "roomJoin": True, "canPublish": True, "canSubscribe": True},
    }
    head = _web64(b'{"alg":"HS256","typ":"JWT"}')
    body = _web64(json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode())
    signature = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_web64(signature)}"


def read_legacy(body: object) -> Admission:
    """The request of `/sfu/get` (§3.2). Raises `Refused`."""
    fields = _record(body, "", required={"room", "openid_token", "device_id"})
    token, server = _openid(fields["openid_token"])
    return Admission(_text(fields, "room"), SLOT, _text(fields, "device_id"), token, server)


def read_current(body: object) -> Admission:
    """The request of `/get_token` (§3.3). Raises `Refused`."""
    fields = _record(body, "", required={"room_id", "slot_id", "openid_token", "member"})
    member = _record(fields["member"], "member.", required={"id", "claimed_user_id", "claimed_device_id"})
    token, server = _openid(fields["openid_token"])
    return Admission(
        _text(fields, "room_id"),
        _text(fields, "slot_id"),
        _text(member, "claimed_device_id"),
        token,
        server,
        claimed_user=_text(member, "claimed_user_id"),
        member=_text(member, "id"),
    )


READERS = {"/sfu/get": read_legacy, "/get_token": read_current}


def _record(value: object, where: str, *, required: set[str], optional: frozenset[str] = frozenset()) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Refused(400, "M_NOT_JSON", f"{where or 'the body'} must be an object")
    unknown = set(value) - required - optional
    if unknown:
        raise Refused(400, "M_NOT_JSON", f"unknown field {where}{min(unknown)}")
    missing = required - set(value)
    if missing:
        raise Refused(400, "M_BAD_JSON", f"missing field {where}{min(missing)}")
    return value


def _text(fields: dict[str, object], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not value or len(value) > 255:
        raise Refused(400, "M_BAD_JSON", f"{name} must be a text of 1 to 255 characters")
    return value


def _openid(value: object) -> tuple[str, str]:
    optional = frozenset({"token_type", "expires_in"})
    fields = _record(value, "openid_token.", required={"access_token", "matrix_server_name"}, optional=optional)
    return _text(fields, "access_token"), _text(fields, "matrix_server_name")


def _web64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Desk:
    """Verifies requests with the homeserver and signs admissions. Used from many threads."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._homeserver = str(settings["homeserver_url"])
        self._server_name = str(settings["server_name"])
        self._livekit = str(settings["livekit_url"])
        self._key = str(settings["key"])
        self._secret = str(settings["secret"])
        self._http = httpx.Client(timeout=10, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

    def close(self) -> None:
        self._http.close()

    def admit(self, request: Admission) -> dict[str, str]:
        """The answer `{url, jwt}`. Raises `Refused`."""
        user = self._owner(request)
        if request.claimed_user and request.claimed_user != user:
            raise Refused(401, "M_UNAUTHORIZED", "the token belongs to somebody else")
        room = hashed(request.room, request.slot)
        return {"url": self._livekit, "jwt": signed(self._key, self._secret, request.identity(user), room, now=time.time())}

    def _owner(self, request: Admission) -> str:
        if request.openid_server != self._server_name:
            raise Refused(401, "M_UNAUTHORIZED", "this service does not serve that homeserver")
        address = f"{self._homeserver}/_matrix/federation/v1/openid/userinfo"
        try:
            answer = self._http.get(address, params={"access_token": request.openid_token})
            if answer.status_code in (401, 403):
                raise Refused(401, "M_UNAUTHORIZED", "the homeserver does not know this token")
            answer.raise_for_status()
            user = answer.json()["sub"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise Refused(502, "M_UNKNOWN", "the homeserver gave no answer") from error
        if not isinstance(user, str) or user.partition(":")[2] != request.openid_server:
            raise Refused(401, "M_UNAUTHORIZED", "the token belongs to another server")
        return user


class _Handler(BaseHTTPRequestHandler):
    desk: Desk
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_OPTIONS(self) -> None:
        self._answer(200 if self.path in READERS else 404, {})

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._answer(200, {})
        else:
            self._refuse(Refused(404, "M_UNRECOGNIZED", "there is nothing here"))

    def do_POST(self) -> None:
        try:
            reader = READERS.get(self.path)
            if reader is None:
                raise Refused(404, "M_UNRECOGNIZED", "there is nothing here")
            self._answer(200, self.desk.admit(reader(self._body())))
        except Refused as refusal:
            self._refuse(refusal)

    def _body(self) -> object:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            raise Refused(400, "M_BAD_JSON", "the body needs a length of at most 64 KiB")
        try:
            return json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise Refused(400, "M_NOT_JSON", "the body is not JSON") from error

    def _refuse(self, refusal: Refused) -> None:
        self.close_connection = True
        self._answer(refusal.status, {"errcode": refusal.code, "error": refusal.why})

    def _answer(self, status: int, content: Mapping[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in CORS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests carry tokens: nothing of them is logged."""


def make_server(settings: Mapping[str, Any]) -> ThreadingHTTPServer:
    """Listening on loopback at `settings["port"]` (0 = any); the caller runs `serve_forever` and closes it."""
    desk = Desk(settings)
    handler = type("Handler", (_Handler,), {"desk": desk})

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def server_close(self) -> None:
            super().server_close()
            desk.close()

    return Server((LOOPBACK, int(settings["port"])), handler)


def main(arguments: Sequence[str]) -> int:
    settings = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    with make_server(settings) as server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
