"""Things the server does only once the person confirmed them: user-interactive authentication (matrix.md §1.3).

A flow is a list of stages; the password goes with the request, single sign-on and an account page of the server are confirmed
in the browser, and the same request then goes again with the remembered session.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from welink_desktop.adapters.matrix.constants import CLIENT_V3
from welink_desktop.adapters.matrix.crypto.canonical import canonical
from welink_desktop.adapters.matrix.encryption_seams import KeyRequests
from welink_desktop.adapters.matrix.errors import Limited, MatrixError
from welink_desktop.adapters.matrix.wire.values import Json, list_of, object_of, text_of, texts_of
from welink_desktop.core.errors import ConfirmInBrowser, NotAllowed, PasswordNeeded, ServerFault, WrongPassword
from welink_desktop.core.ids import UserId
from welink_desktop.core.log import literal, topic

PASSWORD = "m.login.password"  # noqa: S105  # the name of a stage
SSO = "m.login.sso"
DUMMY = "m.login.dummy"
ACCOUNT_PAGES = ("m.oauth", "org.matrix.cross_signing_reset")
"""Stages whose parameters name a page of the server's account management."""

MAX_ROUNDS = 6
_log = topic("security.uia")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the server asks for. `flows`: alternatives, each a list of stages; `wrong`: what was sent did not convince it."""

    session: str = field(repr=False)
    flows: tuple[tuple[str, ...], ...]
    completed: frozenset[str]
    params: Mapping[str, Any]
    wrong: bool


def challenge_in(error: MatrixError) -> Challenge | None:
    """None: the refusal is none of this kind."""
    if error.status != 401 or not isinstance(error.body.get("flows"), list):
        return None
    body = error.body
    flows = tuple(tuple(texts_of(flow, "stages")) for flow in list_of(body, "flows"))
    wrong = error.errcode in ("M_FORBIDDEN", "M_INVALID_USERNAME")
    return Challenge(
        text_of(body, "session", 500), flows, frozenset(texts_of(body, "completed")), object_of(body, "params"), wrong
    )


def next_stage(flows: Sequence[Sequence[str]], completed: Collection[str]) -> str:
    """The stage to do now, "" if no flow can be finished here: of the flows without stages that we cannot do, the one with the
    fewest left, one that needs no browser before others.
    """
    ways = [[stage for stage in flow if stage not in completed] for flow in flows]
    open_ways = [way for way in ways if way and all(stage in (PASSWORD, SSO, DUMMY, *ACCOUNT_PAGES) for stage in way)]
    if not open_ways:
        return ""
    return min(open_ways, key=lambda way: (sum(stage not in (PASSWORD, DUMMY) for stage in way), len(way)))[0]


class Interactive:
    """Sends requests that may have to be confirmed. Sessions that wait for the browser are remembered per request."""

    def __init__(self, http: KeyRequests, base_url: str, user: UserId) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._user = user
        self._sessions: dict[str, str] = {}

    async def send(self, method: str, path: Sequence[str], body: Mapping[str, Any], password: str = "") -> Json:
        """Send `body`, with whatever authentication the server wants.

        Raises `PasswordNeeded`, `WrongPassword`, `ConfirmInBrowser` (send the same again afterwards), `NotAllowed` if it wants
        something that we cannot do, and the errors of `Http`.
        """
        name = _name(method, path, body)
        session = self._sessions.get(name, "")
        auth: Json | None = {"session": session} if session else None
        for _ in range(MAX_ROUNDS):
            try:
                answer = await self._http.request(method, path, json=dict(body) if auth is None else {**body, "auth": auth})
            except MatrixError as error:
                challenge = challenge_in(error)
                if challenge is None:
                    if auth != {"session": session} or not session or error.status >= 500 or isinstance(error, Limited):
                        raise
                    session, auth = "", None  # the remembered session ran out: begin anew
                    self._sessions.pop(name, None)
                    continue
                auth = self._answer(name, challenge, password, asked=text_of(auth, "type", 100))
            else:
                self._sessions.pop(name, None)
                return answer
        raise ServerFault("confirmation without end")

    def _answer(self, name: str, challenge: Challenge, password: str, *, asked: str) -> Json:
        """The `auth` of the next try, or the error that makes the person do something."""
        session = challenge.session
        if asked == PASSWORD and PASSWORD not in challenge.completed:
            raise WrongPassword
        if asked == DUMMY and DUMMY not in challenge.completed:
            raise ServerFault("confirmation refused")
        stage = next_stage(challenge.flows, challenge.completed)
        _log.info("confirmation wanted", stage=literal(stage or "unknown"))
        if stage == DUMMY:
            return {"type": DUMMY, "session": session}
        if stage == PASSWORD:
            if not password:
                raise PasswordNeeded
            user = {"type": "m.id.user", "user": self._user}
            return {"type": PASSWORD, "identifier": user, "password": password, "session": session}
        if stage == SSO:
            self._sessions[name] = session
            way = "/".join(("", *CLIENT_V3, "auth", SSO, "fallback", "web"))
            raise ConfirmInBrowser(f"{self._base_url}{way}?session={quote(session, safe='')}")
        if stage in ACCOUNT_PAGES:
            self._sessions[name] = session
            raise ConfirmInBrowser(_page(text_of(object_of(challenge.params, stage), "url", 2_000)))
        raise NotAllowed("no way to confirm")


def _page(url: str) -> str:
    """A page that may be opened in the browser: https, or http on this machine. Raises `ServerFault`."""
    parts = urlsplit(url)
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
        raise ServerFault("no page to confirm on")
    return url


def _name(method: str, path: Sequence[str], body: Mapping[str, Any]) -> str:
    return hashlib.sha256(b"\n".join((method.encode(), "/".join(path).encode(), canonical(dict(body))))).hexdigest()
