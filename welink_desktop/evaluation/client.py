"""A small client of the homeserver's client-server and admin API, for seeding and tests. Synchronous."""

import itertools
import secrets
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from welink_desktop.core.errors import EvaluationFailed
from welink_desktop.evaluation.synapse import registration_mac

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Registered:
    """An account that was made just now, and the token of its first device."""

    user_id: str
    localpart: str
    password: str = field(repr=False)
    access_token: str = field(repr=False)
    device_id: str = ""


class MatrixClient:
    """One account's (or, without a token, anybody's) requests. Every error answer raises `EvaluationFailed`."""

    def __init__(self, base_url: str, token: str = "", user_id: str = "") -> None:
        self.base_url = base_url
        self.user_id = user_id
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=60, trust_env=False)
        self._transactions = (f"{secrets.token_hex(4)}-{number}" for number in itertools.count())

    def __enter__(self) -> "MatrixClient":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, *path: str, body: Json | None = None, query: Json | None = None) -> Json:
        """`call("PUT", "client", "v3", "rooms", room, …)`: path parts are escaped below `/_matrix/`."""
        return self._request(method, "/_matrix/" + "/".join(quote(part, safe="") for part in path), body, query)

    def admin(self, method: str, *path: str, body: Json | None = None) -> Json:
        """The same below `/_synapse/admin/`."""
        return self._request(method, "/_synapse/admin/" + "/".join(quote(part, safe="") for part in path), body, None)

    def upload(self, content: bytes, mimetype: str, name: str) -> str:
        """The `mxc:` address of the uploaded file."""
        answer = self._http.post(
            "/_matrix/media/v3/upload", content=content, headers={"Content-Type": mimetype}, params={"filename": name}
        )
        return str(_checked(answer)["content_uri"])

    def log_in(self, user: str, password: str, device_name: str = "") -> "MatrixClient":
        """A client of a new device of `user`."""
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user},
            "password": password,
            "initial_device_display_name": device_name,
        }
        answer = self.call("POST", "client", "v3", "login", body=body)
        return MatrixClient(self.base_url, answer["access_token"], answer["user_id"])

    def send(self, room: str, kind: str, content: Json) -> str:
        """Send an event in clear; returns its id."""
        path = ("client", "v3", "rooms", room, "send", kind, next(self._transactions))
        return str(self.call("PUT", *path, body=content)["event_id"])

    def set_state(self, room: str, kind: str, content: Json, key: str = "") -> str:
        path = ("client", "v3", "rooms", room, "state", kind, *((key,) if key else ()))
        return str(self.call("PUT", *path, body=content)["event_id"])

    def create_room(self, **settings: Any) -> str:
        return str(self.call("POST", "client", "v3", "createRoom", body=settings)["room_id"])

    def join(self, room: str) -> None:
        self.call("POST", "client", "v3", "join", room, body={})

    def _request(self, method: str, path: str, body: Json | None, query: Json | None) -> Json:
        try:
            return _checked(self._http.request(method, path, json=body, params=query))
        except httpx.HTTPError as error:
            raise EvaluationFailed(part="Synapse", reason=f"{method} {path}: {type(error).__name__}") from error


def register(base_url: str, secret: str, user: str, password: str, *, admin: bool = False, name: str = "") -> Registered:
    """Make an account with the shared registration secret. Raises `EvaluationFailed` (M_USER_IN_USE in the reason)."""
    with MatrixClient(base_url) as anybody:
        nonce = anybody.admin("GET", "v1", "register")["nonce"]
        body = {
            "nonce": nonce,
            "username": user,
            "password": password,
            "admin": admin,
            "displayname": name or user,
            "mac": registration_mac(secret, nonce, user, password, admin),
        }
        answer = anybody.admin("POST", "v1", "register", body=body)
    return Registered(answer["user_id"], user, password, answer["access_token"], answer["device_id"])


def _checked(answer: httpx.Response) -> Json:
    if answer.is_success:
        content = answer.json()
        return content if isinstance(content, dict) else {"list": content}
    try:
        problem = answer.json()
        words = f"{problem.get('errcode')}: {problem.get('error')}"
    except (ValueError, AttributeError):
        words = f"HTTP {answer.status_code}"
    request = answer.request
    raise EvaluationFailed(part="Synapse", reason=f"{request.method} {request.url.path}: {words}")
