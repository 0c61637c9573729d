"""The door to the homeserver: deadlines, retries, typed errors, tokens. The server is a function."""

import json
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from welink_desktop.adapters.matrix import backoff
from welink_desktop.adapters.matrix.errors import Limited, Locked, MatrixError, Missing, Oversized, Refused, TokenDead
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.tokens import TokenKeeper, Tokens
from welink_desktop.adapters.matrix.wire.values import parse_json
from welink_desktop.core.errors import (
    AccountLocked,
    CertificateRefused,
    NotAllowed,
    NotFound,
    Offline,
    ServerFault,
    SignedOut,
    TooLarge,
    TooManyAttempts,
)

BASE = "http://127.0.0.1:8008"
PATH = ("_matrix", "client", "v3", "rooms", "!a/b:c", "x")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The back-off waits milliseconds."""
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.001)


def server(handle: Callable[[httpx.Request], httpx.Response], keeper: TokenKeeper | None = None) -> Http:
    return Http(BASE, keeper=keeper, transport=httpx.MockTransport(handle))


def answers(*given: httpx.Response | Exception) -> tuple[Callable[[httpx.Request], httpx.Response], list[httpx.Request]]:
    waiting, asked = list(given), []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handle, asked


def refusal(status: int, errcode: str, **more: Any) -> httpx.Response:
    return httpx.Response(status, json={"errcode": errcode, "error": "words", **more})


async def test_parts_of_the_path_are_encoded() -> None:
    handle, asked = answers(httpx.Response(200, json={"ok": 1}))
    http = server(handle)
    assert await http.request("GET", PATH, query={"n": 5}) == {"ok": 1}
    assert asked[0].url.raw_path == b"/_matrix/client/v3/rooms/%21a%2Fb%3Ac/x?n=5"
    await http.aclose()


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        (refusal(403, "M_FORBIDDEN"), Refused, NotAllowed),
        (refusal(404, "M_NOT_FOUND"), Missing, NotFound),
        (refusal(413, "M_TOO_LARGE"), Oversized, TooLarge),
        (refusal(400, "M_UNKNOWN_POS"), MatrixError, MatrixError),
        (refusal(403, "M_USER_LOCKED"), Locked, AccountLocked),
        (refusal(401, "M_UNKNOWN_TOKEN"), TokenDead, SignedOut),
        (refusal(429, "M_LIMIT_EXCEEDED", retry_after_ms=2500), Limited, TooManyAttempts),
        (httpx.Response(429, headers={"retry-after": "7"}, text="slow down"), Limited, TooManyAttempts),
    ],
)
async def test_refusals_are_typed_twice(answer: httpx.Response, error: type[Exception], told: type[Exception]) -> None:
    http = server(answers(answer)[0])
    with pytest.raises(error) as caught:
        await http.request("GET", PATH, retry=False)
    assert isinstance(caught.value, told)
    await http.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>Welcome to the hotel</html>"),
        httpx.Response(200, text="[1]"),
        httpx.Response(200, text="[" * 100_000),
        httpx.Response(200, text='{"a"'),
        httpx.Response(502, text="bad gateway"),
        httpx.Response(302, headers={"location": "https://elsewhere.example/"}),
        httpx.Response(404, text="nothing here"),
        httpx.Response(200, content=b'{"a": "' + b"x" * 2_000_000 + b'"}'),
    ],
)
async def test_whatever_is_no_answer_of_a_homeserver_is_a_fault(answer: httpx.Response) -> None:
    http = server(answers(answer)[0])
    with pytest.raises(ServerFault):
        await http.request("GET", PATH, retry=False)
    await http.aclose()


async def test_transient_failures_are_tried_again() -> None:
    handle, asked = answers(
        httpx.ConnectError("refused"),
        httpx.Response(502),
        refusal(429, "M_LIMIT_EXCEEDED", retry_after_ms=10),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"done": True}),
    )
    http = server(handle)
    assert await http.request("PUT", PATH, json={"x": "é"}) == {"done": True}
    assert len(asked) == 5
    assert {request.content for request in asked} == {'{"x":"é"}'.encode()}
    assert http.backoff.retry_at.value is None
    await http.aclose()


async def test_a_single_try_slows_everybody() -> None:
    handle, asked = answers(httpx.ConnectError("refused"))
    http = server(handle)
    with pytest.raises(Offline):
        await http.request("GET", PATH, retry=False)
    assert len(asked) == 1
    assert http.backoff.retry_at.value is not None
    await http.aclose()


async def test_a_bad_certificate_is_told_and_not_tried_again() -> None:
    failure = httpx.ConnectError("tls")
    failure.__cause__ = ssl.SSLCertVerificationError("self-signed")
    handle, asked = answers(failure)
    http = server(handle)
    with pytest.raises(CertificateRefused) as caught:
        await http.request("GET", PATH)
    assert caught.value.args_for_text == {"name": urlsplit(http.base_url).netloc}
    assert len(asked) == 1
    await http.aclose()


async def test_a_server_that_trickles_meets_the_deadline() -> None:
    async def trickle() -> AsyncIterator[bytes]:
        import asyncio

        while True:
            await asyncio.Event().wait()
            yield b" "

    http = server(answers(httpx.Response(200, content=trickle()))[0])
    with pytest.raises(Offline):
        await http.request("GET", PATH, deadline=0.05, retry=False)
    await http.aclose()


def signed_in(tokens: Tokens) -> tuple[TokenKeeper, list[Tokens]]:
    kept: list[Tokens] = []
    return TokenKeeper(tokens, kept.append), kept


async def test_a_soft_logout_is_cured_by_the_refresh_token() -> None:
    keeper, kept = signed_in(Tokens("old", "refresh-1"))

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/refresh"):
            assert "authorization" not in request.headers
            assert json.loads(request.content) == {"refresh_token": "refresh-1"}
            return httpx.Response(200, json={"access_token": "new", "refresh_token": "refresh-2", "expires_in_ms": 300_000})
        if request.headers["authorization"] == "Bearer new":
            return httpx.Response(200, json={})
        return refusal(401, "M_UNKNOWN_TOKEN", soft_logout=True)

    http = server(handle, keeper)
    await http.request("GET", PATH)
    assert [tokens.access for tokens in kept] == ["new"]
    assert keeper.tokens is not None
    assert keeper.tokens.refresh == "refresh-2"
    assert http.dead.value is None
    await http.aclose()


async def test_a_refused_refresh_is_the_end() -> None:
    keeper, kept = signed_in(Tokens("old", "refresh-1"))

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/refresh"):
            return refusal(403, "M_FORBIDDEN")
        return refusal(401, "M_UNKNOWN_TOKEN", soft_logout=True)

    http = server(handle, keeper)
    with pytest.raises(SignedOut) as caught:
        await http.request("GET", PATH)
    assert caught.value.soft
    assert isinstance(http.dead.value, SignedOut)
    assert kept == []
    await http.aclose()


async def test_tokens_are_renewed_before_they_run_out() -> None:
    now = Http(BASE).clock.now_ms()
    keeper, kept = signed_in(Tokens("old", "refresh-1", now + 30_000, 300_000))

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/refresh"):
            return httpx.Response(200, json={"access_token": "new", "expires_in_ms": 300_000})
        assert request.headers["authorization"] == "Bearer new"
        return httpx.Response(200, json={})

    http = server(handle, keeper)
    await http.request("GET", PATH)
    assert kept[0].refresh == "refresh-1"
    await http.aclose()


async def test_secrets_do_not_show() -> None:
    assert "old" not in repr(Tokens("old", "refresh-1"))


async def test_uploads_and_downloads_stream() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            assert request.headers["content-length"] == "6"
            return httpx.Response(200, json={"content_uri": "mxc://a/b", "got": request.content.decode()})
        return httpx.Response(200, content=b"x" * 100, headers={"content-type": "image/png"})

    async def parts() -> AsyncIterator[bytes]:
        yield b"abc"
        yield b"def"

    http = server(handle)
    assert (await http.upload(("u",), parts, size=6))["got"] == "abcdef"
    async with http.download(("d",), limit=100) as download:
        assert b"".join([part async for part in download.chunks]) == b"x" * 100
        assert (download.content_type, download.length) == ("image/png", 100)
    with pytest.raises(ServerFault):
        async with http.download(("d",), limit=50) as download:
            _ = [part async for part in download.chunks]
    await http.aclose()


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"null", b'"x"', b"{" * 5000, b'{"a":' * 5000])
def test_no_body_raises_anything_else(body: bytes) -> None:
    with pytest.raises(ServerFault):
        parse_json(body)
