"""The requests of a call, as they go over the wire."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from welink_desktop.adapters.matrix.errors import Missing
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.rtc import server as rtc_server
from welink_desktop.adapters.matrix.rtc.membership import MEMBER_EVENT
from welink_desktop.adapters.matrix.rtc.server import HttpCallServer
from welink_desktop.core.errors import MeetingTokenRefused, Offline, ServerFault
from welink_desktop.core.ids import RoomId, UserId

ANN = UserId("@ann:example.org")
ROOM = RoomId("!a/b:example.org")
Answer = Callable[[httpx.Request], httpx.Response]


def answering(answer: Answer) -> tuple[Http, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(request)

    return Http("http://127.0.0.1:1", transport=httpx.MockTransport(handle)), asked


def says(status: int = 200, **body: Any) -> Answer:
    return lambda _request: httpx.Response(status, json=body)


async def test_transports() -> None:
    http, asked = answering(says(rtc_transports=[{"type": "livekit"}]))
    assert await HttpCallServer(http, ANN).transports() == [{"type": "livekit"}]
    assert asked[0].url.path == "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports"
    await http.aclose()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(says(), []), (says(rtc_transports="x"), []), (says(404, errcode="M_UNRECOGNIZED"), None)],
)
async def test_transports_that_are_none(answer: Answer, expected: object) -> None:
    http, _ = answering(answer)
    assert await HttpCallServer(http, ANN).transports() == expected
    await http.aclose()


async def test_membership_requests() -> None:
    http, asked = answering(lambda r: httpx.Response(200, json={"delay_id": "d"} if r.url.query else {"event_id": "$e"}))
    server = HttpCallServer(http, ANN)
    assert await server.put_state(ROOM, MEMBER_EVENT, "_key", {"a": 1}) == "$e"
    assert await server.put_delayed_state(ROOM, MEMBER_EVENT, "_key", {}, 18_000) == "d"
    await server.update_delayed("d", "restart", timeout=2)
    await server.openid_token()
    assert asked[0].url.raw_path.decode() == f"/_matrix/client/v3/rooms/%21a%2Fb%3Aexample.org/state/{MEMBER_EVENT}/_key"
    assert json.loads(asked[0].content) == {"a": 1}
    assert asked[1].url.query == b"org.matrix.msc4140.delay=18000"
    assert asked[2].url.path == "/_matrix/client/unstable/org.matrix.msc4140/delayed_events/d/restart"
    assert asked[3].url.path.endswith("/openid/request_token")
    await http.aclose()


async def test_scheduled_leaves_are_found() -> None:
    ours = {"delay_id": "d1", "room_id": ROOM, "type": MEMBER_EVENT, "state_key": "_key"}
    others = [ours | {"delay_id": 5}, ours | {"state_key": "_other"}, "x", {}]
    http, _ = answering(says(delayed_events=[ours, *others]))
    assert await HttpCallServer(http, ANN).delayed_of(ROOM, MEMBER_EVENT, "_key") == ["d1"]
    await http.aclose()


async def test_an_older_server_takes_the_action_in_the_body() -> None:
    def older(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/restart"):
            return httpx.Response(404, json={"errcode": "M_UNRECOGNIZED"})
        return httpx.Response(200, json={})

    http, asked = answering(older)
    await HttpCallServer(http, ANN).update_delayed("d", "restart", timeout=2)
    assert json.loads(asked[1].content) == {"action": "restart"}
    await http.aclose()


async def test_a_delayed_event_that_is_gone_and_an_answer_without_an_id() -> None:
    http, asked = answering(says(404, errcode="M_NOT_FOUND"))
    with pytest.raises(Missing):
        await HttpCallServer(http, ANN).update_delayed("d", "restart", timeout=2)
    assert len(asked) == 1
    await http.aclose()
    http, _ = answering(says())
    with pytest.raises(ServerFault):
        await HttpCallServer(http, ANN).put_state(ROOM, MEMBER_EVENT, "_key", {})
    await http.aclose()


async def elsewhere(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> tuple[HttpCallServer, list[httpx.Request]]:
    """A server object whose other places (token service, well-known) answer with `answer`."""
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(request)

    def make(url: str, **settings: Any) -> Http:
        return Http(url, transport=httpx.MockTransport(handle), **settings)

    home, _ = answering(says())
    monkeypatch.setattr(rtc_server, "Http", make)
    await home.aclose()
    return HttpCallServer(home, ANN), asked


async def test_the_token_service_is_asked_below_its_own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    server, asked = await elsewhere(monkeypatch, says(url="wss://x", jwt="t"))
    assert await server.ask_token_service("http://localhost:9/livekit/jwt", {"room": "r"}) == {"url": "wss://x", "jwt": "t"}
    assert str(asked[0].url) == "http://localhost:9/livekit/jwt/sfu/get"
    assert "authorization" not in asked[0].headers


def unreachable(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no")


@pytest.mark.parametrize("answer", [says(401, errcode="M_UNAUTHORIZED"), says(400, errcode="M_NOT_JSON"), says(500), unreachable])
async def test_a_token_service_that_refuses_or_is_down(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    server, _ = await elsewhere(monkeypatch, answer)
    with pytest.raises(MeetingTokenRefused):
        await server.ask_token_service("http://localhost:9", {})


async def test_well_known(monkeypatch: pytest.MonkeyPatch) -> None:
    server, asked = await elsewhere(monkeypatch, says(a=1))
    assert await server.well_known() == {"a": 1}
    assert str(asked[0].url) == "https://example.org/.well-known/matrix/client"
    server, _ = await elsewhere(monkeypatch, unreachable)
    assert await server.well_known() == {}


async def test_no_answer_is_offline() -> None:
    http, _ = answering(unreachable)
    with pytest.raises(Offline):
        await HttpCallServer(http, ANN).put_state(ROOM, MEMBER_EVENT, "_key", {})
    await http.aclose()
