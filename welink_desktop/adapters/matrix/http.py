"""The one door to the homeserver: authorisation, trust store, proxy, deadlines, retries, typed errors (matrix.md §1.1, §1.3)."""

import asyncio
import contextlib
import json as json_module
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import truststore

from welink_desktop.adapters.matrix.backoff import Backoff
from welink_desktop.adapters.matrix.constants import CLIENT_V3
from welink_desktop.adapters.matrix.errors import Limited, MatrixError, TokenDead, matrix_error
from welink_desktop.adapters.matrix.tokens import TokenKeeper, tokens_from
from welink_desktop.adapters.matrix.wire.values import Json, parse_json
from welink_desktop.core.clock import Clock, SystemClock
from welink_desktop.core.errors import CertificateRefused, Offline, ServerFault, ServerNotFound, SignedOut, WeLinkError
from welink_desktop.core.log import literal, topic
from welink_desktop.core.reactive import State

Query = Mapping[str, str | int]

PLAIN_LIMIT = 1 << 20
SYNC_LIMIT = 64 << 20
PLAIN_DEADLINE = 30.0
IDLE_SECONDS = 30.0
_JSON = {"Content-Type": "application/json"}
_log = topic("http")


@dataclass(frozen=True, slots=True)
class Download:
    """A running download. `length` is 0 if the server did not say."""

    content_type: str
    length: int
    chunks: AsyncIterator[bytes]


class Http:
    """Requests to one homeserver. With `keeper` they carry its access token, which is refreshed in time.

    `dead` turns from None to the reason once the account's token is refused for good (`TokenDead`, `Locked`).
    """

    def __init__(
        self,
        base_url: str,
        *,
        keeper: TokenKeeper | None = None,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.clock: Clock = clock or SystemClock()
        self.backoff = Backoff(self.clock)
        self.dead: State[WeLinkError | None] = State(None)
        self._host = urlsplit(self.base_url).netloc
        self._keeper = keeper
        self._refreshing = asyncio.Lock()
        self._client = httpx.AsyncClient(
            verify=_trust(base_url),
            transport=transport,
            trust_env=not is_loopback(base_url),
            follow_redirects=False,
            timeout=None,  # noqa: S113 - every request has a total deadline of its own
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=10, keepalive_expiry=90),
            headers={"Accept": "application/json", "User-Agent": "WeLinkDesktop"},
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def request(
        self,
        method: str,
        path: Sequence[str],
        *,
        query: Query | None = None,
        json: Mapping[str, Any] | None = None,
        deadline: float = PLAIN_DEADLINE,
        retry: bool = True,
        limit: int = PLAIN_LIMIT,
        auth: bool = True,
    ) -> Json:
        """Send one request and return the JSON object of its answer.

        `path` are unencoded parts. `deadline` seconds bound everything, retries included. With `retry`, transport errors,
        5xx, broken answers and 429 are tried again until then; every request here must therefore be idempotent. Without
        it the first failure is raised (and slows the common back-off). `limit` caps the answer in bytes.
        Raises `MatrixError` and its kinds, `Offline`, `ServerNotFound`, `CertificateRefused`, `ServerFault`, `SignedOut`.
        """
        body = None if json is None else json_module.dumps(json, ensure_ascii=False, separators=(",", ":")).encode()
        ends = self.clock.monotonic() + deadline
        while True:
            try:
                answer = await self._authorised(
                    lambda headers: self._once(method, path, query, body, headers, ends - self.clock.monotonic(), limit), auth
                )
            except (Offline, ServerFault, Limited) as error:
                self.backoff.failed(error.seconds if isinstance(error, Limited) else 0.0)
                left = ends - self.clock.monotonic()
                at = self.backoff.retry_at.value
                if not retry or left <= 0 or (at is not None and at - self.clock.monotonic() > left):
                    raise
                await self.backoff.wait()
            except MatrixError:
                self.backoff.succeeded()
                raise
            else:
                self.backoff.succeeded()
                return answer

    async def upload(
        self,
        path: Sequence[str],
        stream: Callable[[], AsyncIterable[bytes]],
        *,
        size: int,
        content_type: str = "application/octet-stream",
        query: Query | None = None,
        method: str = "POST",
    ) -> Json:
        """Send `size` bytes as they come; fails when none moves for 30 s. Tried once (twice after a token refresh,
        therefore `stream` makes a new iterator). Raises as `request`.
        """
        timeout = httpx.Timeout(connect=IDLE_SECONDS, write=IDLE_SECONDS, read=4 * IDLE_SECONDS, pool=None)
        own = {"Content-Type": content_type, "Content-Length": str(size)}

        async def once(headers: dict[str, str]) -> Json:
            url = self._url(path)
            with _translated(self._host):
                response = await self._client.request(
                    method, url, params=_query(query), content=stream(), headers={**headers, **own}, timeout=timeout
                )
                return _parsed(response, response.content)

        try:
            answer = await self._authorised(once, True)
        except (Offline, ServerFault) as error:
            self.backoff.failed()
            raise error
        self.backoff.succeeded()
        return answer

    @contextlib.asynccontextmanager
    async def download(self, path: Sequence[str], *, query: Query | None = None, limit: int) -> AsyncIterator[Download]:
        """Stream an answer's bytes. More than `limit` bytes, or none for 30 s, raise `ServerFault` / `Offline` in the block."""
        headers = await self._headers(True)
        timeout = httpx.Timeout(IDLE_SECONDS, pool=None)
        with _translated(self._host):
            async with self._client.stream(
                "GET", self._url(path), params=_query(query), headers=headers, timeout=timeout
            ) as answer:
                if answer.status_code != 200:
                    _parsed(answer, await _capped(answer, PLAIN_LIMIT))
                    raise ServerFault(f"download status {answer.status_code}")
                length = answer.headers.get("content-length", "0")
                yield Download(
                    content_type=answer.headers.get("content-type", ""),
                    length=int(length) if length.isdigit() else 0,
                    chunks=_limited(answer, limit, self._host),
                )

    async def _authorised(self, once: Callable[[dict[str, str]], Awaitable[Json]], auth: bool) -> Json:
        headers = await self._headers(auth)
        try:
            return await once(headers)
        except TokenDead as error:
            if not auth or self._keeper is None:
                raise
            used = headers.get("Authorization", "")
            if not error.soft or not await self._refreshed(used):
                self.dead.set(error)
                raise
        try:
            return await once(await self._headers(True))
        except TokenDead as error:
            self.dead.set(error)
            raise

    async def _headers(self, auth: bool) -> dict[str, str]:
        if not auth or self._keeper is None:
            return {}
        tokens = self._keeper.tokens
        if tokens is None:
            raise SignedOut
        if tokens.due(self.clock.now_ms()):
            with contextlib.suppress(Offline, ServerFault, Limited):
                await self._refreshed(f"Bearer {tokens.access}")
            tokens = self._keeper.tokens or tokens
        return {"Authorization": f"Bearer {tokens.access}"}

    async def _refreshed(self, used: str) -> bool:
        """Renew the tokens unless somebody did since `used`. False: the refresh token is refused, too."""
        keeper = self._keeper
        assert keeper is not None
        async with self._refreshing:
            tokens = keeper.tokens
            if tokens is None:
                return False
            if f"Bearer {tokens.access}" != used:
                return True
            if not tokens.refresh:
                return False
            try:
                answer = await self._once(
                    "POST",
                    (*CLIENT_V3, "refresh"),
                    None,
                    _body({"refresh_token": tokens.refresh}),
                    {},
                    PLAIN_DEADLINE,
                    PLAIN_LIMIT,
                )
            except MatrixError as error:
                _log.warning("tokens not refreshed", errcode=literal(error.errcode))
                if isinstance(error, Limited):
                    raise
                return False
            fresh = tokens_from(answer, self.clock.now_ms(), tokens.refresh)
            await asyncio.to_thread(keeper.keep, fresh)
            keeper.tokens = fresh
            _log.info("tokens refreshed")
            return True

    async def _once(
        self,
        method: str,
        path: Sequence[str],
        query: Query | None,
        body: bytes | None,
        headers: Mapping[str, str],
        seconds: float,
        limit: int,
    ) -> Json:
        if body is not None:
            headers = {**headers, **_JSON}
        with _translated(self._host):
            async with asyncio.timeout(max(0.001, seconds)):
                async with self._client.stream(
                    method, self._url(path), params=_query(query), content=body, headers=headers
                ) as response:
                    return _parsed(response, await _capped(response, limit))

    def _url(self, path: Sequence[str]) -> str:
        return self.base_url + "/" + "/".join(quote(part, safe="") for part in path)


def is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def _trust(base_url: str) -> ssl.SSLContext | bool:
    if urlsplit(base_url).scheme != "https":
        return False
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _body(content: Json) -> bytes:
    return json_module.dumps(content).encode()


def _query(query: Query | None) -> dict[str, str] | None:
    return None if query is None else {name: str(value) for name, value in query.items()}


def _parsed(response: httpx.Response, body: bytes) -> Json:
    status = response.status_code
    if status >= 500:
        raise ServerFault(f"status {status}")
    if 200 <= status < 300:
        return parse_json(body)
    if 300 <= status < 400:
        raise ServerFault(f"redirected with {status}")
    try:
        content = parse_json(body)
    except ServerFault:
        if status == 429:
            content = {}
        else:
            raise
    if "errcode" not in content and status != 429 and "flows" not in content:
        raise ServerFault(f"status {status} without an error code")
    raise matrix_error(status, content, response.headers.get("retry-after"))


async def _capped(response: httpx.Response, limit: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limit:
            raise ServerFault("answer too large")
    return bytes(body)


async def _limited(response: httpx.Response, limit: int, host: str) -> AsyncIterator[bytes]:
    size = 0
    with _translated(host):
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > limit:
                raise ServerFault("file larger than allowed")
            yield chunk


@contextlib.contextmanager
def _translated(host: str) -> Iterator[None]:
    """Errors of the transport in the user's terms."""
    try:
        yield
    except TimeoutError as error:
        raise Offline("deadline") from error
    except (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError, OSError) as error:
        raise _transport_error(error, host) from error


def _transport_error(error: BaseException, host: str) -> WeLinkError:
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            break
        if isinstance(seen, ssl.SSLCertVerificationError):
            return CertificateRefused(type(error).__name__, name=host)
        if isinstance(seen, socket.gaierror) and seen.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", -5)):
            return NameUnknown(type(error).__name__)
        seen = seen.__cause__ or seen.__context__
    if isinstance(error, (httpx.DecodingError, httpx.RemoteProtocolError)) and not isinstance(error, httpx.TimeoutException):
        return Offline("broken answer")
    return Offline(type(error).__name__)


class NameUnknown(Offline, ServerNotFound):
    """The host name does not resolve: no such server, or no network at all."""

    key = Offline.key
