"""The token service answers every wrong request with the right error and every right one with a signed admission."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from welink_desktop.evaluation.token_service import CORS, hashed, make_server, signed

SECRET = "s" * 40
OPENID = {"access_token": "good", "matrix_server_name": "hs.test", "token_type": "Bearer", "expires_in": 3600}
LEGACY = {"room": "!r:hs.test", "openid_token": OPENID, "device_id": "DEV"}
MEMBER = {"id": "m1", "claimed_user_id": "@a:hs.test", "claimed_device_id": "DEV"}
CURRENT = {"room_id": "!r:hs.test", "slot_id": "m.call#ROOM", "openid_token": OPENID, "member": MEMBER}


class _Homeserver(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        token = parse_qs(urlsplit(self.path).query).get("access_token", [""])[0]
        answers: dict[str, tuple[int, Any]] = {
            "good": (200, {"sub": "@a:hs.test"}),
            "foreign": (200, {"sub": "@a:elsewhere"}),
            "broken": (500, {}),
            "odd": (200, ["sub"]),
        }
        status, content = answers.get(token, (401, {"errcode": "M_UNKNOWN_TOKEN"}))
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


def _serve(server: ThreadingHTTPServer) -> threading.Thread:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    return thread


@pytest.fixture(scope="module")
def service() -> Iterator[httpx.Client]:
    homeserver = ThreadingHTTPServer(("127.0.0.1", 0), _Homeserver)
    settings = {
        "port": 0,
        "homeserver_url": f"http://127.0.0.1:{homeserver.server_port}",
        "server_name": "hs.test",
        "livekit_url": "ws://127.0.0.1:7",
        "key": "k",
        "secret": SECRET,
    }
    server = make_server(settings)
    threads = [_serve(homeserver), _serve(server)]
    limits = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", trust_env=False, limits=limits) as client:
        yield client
    for each in (server, homeserver):
        each.shutdown()
        each.server_close()
    for thread in threads:
        thread.join()


def _claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def _with(request: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**request, **changes}


def test_identities_match_the_published_vectors() -> None:
    assert hashed("!room:example.org", "m.call#ROOM") == "TK4o8wNCXi5t5936bOvIzE/X3XFc7cgp3jGRDqK0j5E"
    assert hashed("@alice:example.org", "DEVICE", "@alice:example.org:DEVICE") == "NklV56RPKwcOJQ3pfZwc1ZTepexp4xnPNB/VRXkFNL8"


def test_both_ways_lead_to_one_room_under_their_own_identity(service: httpx.Client) -> None:
    legacy = service.post("/sfu/get", json=LEGACY).raise_for_status().json()
    current = service.post("/get_token", json=CURRENT).raise_for_status().json()
    assert legacy["url"] == current["url"] == "ws://127.0.0.1:7"
    first, second = _claims(legacy["jwt"]), _claims(current["jwt"])
    assert first["sub"] == "@a:hs.test:DEV"
    assert second["sub"] == hashed("@a:hs.test", "DEV", "m1")
    assert first["video"] == second["video"]
    assert first["video"] == {
        "room": hashed("!r:hs.test", "m.call#ROOM"),
        "roomJoin": True,
        "canPublish": True,
        "canSubscribe": True,
    }
    assert first["iss"] == "k"


def test_signature_depends_on_the_secret() -> None:
    one = signed("k", "a" * 32, "id", "room", now=1000)
    other = signed("k", "b" * 32, "id", "room", now=1000)
    assert one.rsplit(".", 1)[0] == other.rsplit(".", 1)[0]
    assert one != other
    assert _claims(one)["exp"] == 4600


@pytest.mark.parametrize(
    ("path", "request_body", "status", "code"),
    [
        ("/sfu/get", _with(LEGACY, openid_token=_with(OPENID, access_token="wrong")), 401, "M_UNAUTHORIZED"),
        ("/sfu/get", _with(LEGACY, openid_token=_with(OPENID, access_token="foreign")), 401, "M_UNAUTHORIZED"),
        ("/sfu/get", _with(LEGACY, openid_token=_with(OPENID, matrix_server_name="other")), 401, "M_UNAUTHORIZED"),
        ("/sfu/get", _with(LEGACY, openid_token=_with(OPENID, access_token="broken")), 502, "M_UNKNOWN"),
        ("/sfu/get", _with(LEGACY, openid_token=_with(OPENID, access_token="odd")), 502, "M_UNKNOWN"),
        ("/sfu/get", _with(LEGACY, delay_id="x"), 400, "M_NOT_JSON"),
        ("/sfu/get", _with(LEGACY, openid_token=_with(OPENID, extra=1)), 400, "M_NOT_JSON"),
        ("/sfu/get", {"room": "!r:hs.test"}, 400, "M_BAD_JSON"),
        ("/sfu/get", _with(LEGACY, device_id=""), 400, "M_BAD_JSON"),
        ("/sfu/get", _with(LEGACY, device_id="x" * 256), 400, "M_BAD_JSON"),
        ("/sfu/get", _with(LEGACY, room=7), 400, "M_BAD_JSON"),
        ("/sfu/get", _with(LEGACY, openid_token="good"), 400, "M_NOT_JSON"),
        ("/sfu/get", [], 400, "M_NOT_JSON"),
        ("/get_token", _with(CURRENT, member=_with(MEMBER, claimed_user_id="@b:hs.test")), 401, "M_UNAUTHORIZED"),
        ("/get_token", _with(CURRENT, member=_with(MEMBER, more=1)), 400, "M_NOT_JSON"),
        ("/get_token", LEGACY, 400, "M_NOT_JSON"),
        ("/delegate_delayed_leave", {}, 404, "M_UNRECOGNIZED"),
    ],
)
def test_wrong_requests_are_refused(service: httpx.Client, path: str, request_body: Any, status: int, code: str) -> None:
    answer = service.post(path, json=request_body)
    assert (answer.status_code, answer.json()["errcode"]) == (status, code)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe", b"[" * 60_000])
def test_what_is_not_json_is_refused(service: httpx.Client, body: bytes) -> None:
    answer = service.post("/sfu/get", content=body)
    assert (answer.status_code, answer.json()["errcode"]) == (400, "M_NOT_JSON")


def test_huge_bodies_are_refused_unread(service: httpx.Client) -> None:
    answer = service.post("/sfu/get", content=b" " * 70_000)
    assert (answer.status_code, answer.json()["errcode"]) == (400, "M_BAD_JSON")


def test_browsers_may_ask_first(service: httpx.Client) -> None:
    answer = service.options("/sfu/get")
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in CORS} == CORS
    assert service.options("/elsewhere").status_code == 404


def test_only_the_health_page_answers_reading(service: httpx.Client) -> None:
    assert service.get("/healthz").status_code == 200
    assert service.get("/sfu/get").status_code == 404
