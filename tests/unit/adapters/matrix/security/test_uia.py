"""Confirmation by password or in the browser (matrix.md §1.3)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from welink_desktop.adapters.matrix.errors import MatrixError, matrix_error
from welink_desktop.adapters.matrix.security.uia import DUMMY, PASSWORD, SSO, Interactive, challenge_in, next_stage
from welink_desktop.core.errors import (
    ConfirmInBrowser,
    NotAllowed,
    Offline,
    PasswordNeeded,
    ServerFault,
    SignedOut,
    WrongPassword,
)
from welink_desktop.core.ids import UserId

ALICE = UserId("@alice:x")
BODY = {"devices": ["A"]}


class Confirming:
    """A server that wants `flows` completed. Stages in `elsewhere` are done by somebody in a browser, when in `done`."""

    def __init__(self, *flows: list[str], params: dict[str, Any] | None = None) -> None:
        self.flows = flows
        self.params = params or {}
        self.done: set[str] = set()
        self.sessions = 0
        self.asked: list[dict[str, Any]] = []
        self.fail: Exception | None = None

    async def request(
        self,
        method: str,
        path: Sequence[str],
        *,
        json: Mapping[str, Any] | None = None,
        deadline: float = 30.0,
        retry: bool = True,
    ) -> dict[str, Any]:
        assert json is not None
        self.asked.append(dict(json))
        if self.fail is not None:
            raise self.fail
        auth = json.get("auth", {})
        errcode = ""
        if not auth.get("session"):
            self.sessions += 1
            self.done.clear()
        elif auth["session"] != f"S{self.sessions}":
            raise matrix_error(400, {"errcode": "M_UNKNOWN"})
        match auth.get("type"):
            case "m.login.password" if auth["password"] == "right" and auth["identifier"] == {"type": "m.id.user", "user": ALICE}:
                self.done.add(PASSWORD)
            case "m.login.password":
                errcode = "M_FORBIDDEN"
            case "m.login.dummy":
                self.done.add(DUMMY)
        if any(set(flow) <= self.done for flow in self.flows):
            return {"ok": True}
        body = {
            "session": f"S{self.sessions}",
            "flows": [{"stages": flow} for flow in self.flows],
            "completed": sorted(self.done),
            "params": self.params,
        }
        raise matrix_error(401, {**body, "errcode": errcode} if errcode else body)


def interactive(server: Confirming) -> Interactive:
    return Interactive(server, "https://home.example/", ALICE)


async def send(server: Confirming | Interactive, password: str = "") -> dict[str, Any]:
    doing = server if isinstance(server, Interactive) else interactive(server)
    return await doing.send("POST", ("x", "y"), BODY, password)


async def test_what_needs_no_confirmation_just_goes() -> None:
    server = Confirming([])
    assert await send(server) == {"ok": True}
    assert server.asked == [BODY]


async def test_the_password_goes_only_when_it_is_asked_for() -> None:
    server = Confirming([PASSWORD])
    with pytest.raises(PasswordNeeded):
        await send(server)
    assert await send(server, "right") == {"ok": True}
    assert [("auth" in one, "password" in one.get("auth", {})) for one in server.asked] == [(False, False)] * 2 + [(True, True)]


async def test_a_wrong_password_is_told_and_not_tried_twice() -> None:
    server = Confirming([PASSWORD])
    with pytest.raises(WrongPassword):
        await send(server, "wrong")
    assert len(server.asked) == 2


async def test_a_stage_without_effort_is_done_by_itself() -> None:
    assert await send(Confirming([DUMMY])) == {"ok": True}
    assert await send(Confirming([DUMMY, PASSWORD]), "right") == {"ok": True}


async def test_single_sign_on_is_confirmed_in_the_browser_and_the_same_request_goes_again() -> None:
    server = Confirming([SSO])
    doing = interactive(server)
    with pytest.raises(ConfirmInBrowser) as caught:
        await send(doing)
    assert caught.value.url == "https://home.example/_matrix/client/v3/auth/m.login.sso/fallback/web?session=S1"
    with pytest.raises(ConfirmInBrowser) as caught:
        await send(doing)
    assert caught.value.url.endswith("session=S1"), "not confirmed yet: the same page"
    server.done.add(SSO)
    assert await send(doing) == {"ok": True}
    assert server.asked[-1]["auth"] == {"session": "S1"}


async def test_a_session_that_ran_out_begins_anew() -> None:
    server = Confirming([SSO])
    doing = interactive(server)
    with pytest.raises(ConfirmInBrowser):
        await send(doing)
    server.sessions = 7
    with pytest.raises(ConfirmInBrowser) as caught:
        await send(doing)
    assert caught.value.url.endswith("session=S8")


async def test_another_request_has_a_session_of_its_own() -> None:
    server = Confirming([SSO])
    doing = interactive(server)
    with pytest.raises(ConfirmInBrowser):
        await send(doing)
    with pytest.raises(ConfirmInBrowser) as caught:
        await doing.send("POST", ("x", "y"), {"devices": ["B"]})
    assert caught.value.url.endswith("session=S2")


@pytest.mark.parametrize("stage", ["m.oauth", "org.matrix.cross_signing_reset"])
async def test_a_page_of_the_account_management_is_opened(stage: str) -> None:
    server = Confirming([stage], params={stage: {"url": "https://account.example/?action=reset"}})
    doing = interactive(server)
    with pytest.raises(ConfirmInBrowser) as caught:
        await send(doing)
    assert caught.value.url == "https://account.example/?action=reset"
    server.done.add(stage)
    assert await send(doing) == {"ok": True}


@pytest.mark.parametrize("url", ["", "http://account.example/", "file:///etc/passwd", "javascript:alert(1)", 7, None])
async def test_no_other_page_is_opened(url: object) -> None:
    with pytest.raises(ServerFault):
        await send(Confirming(["m.oauth"], params={"m.oauth": {"url": url}}))


async def test_what_we_cannot_do_is_said() -> None:
    with pytest.raises(NotAllowed):
        await send(Confirming(["m.login.recaptcha"]), "right")


async def test_other_refusals_pass() -> None:
    server = Confirming([PASSWORD])
    for error in (matrix_error(403, {"errcode": "M_FORBIDDEN"}), matrix_error(429, {}), Offline("line"), ServerFault("x")):
        server.fail = error
        with pytest.raises(type(error)):
            await send(server, "right")
    server.fail = matrix_error(401, {"errcode": "M_UNKNOWN_TOKEN"})
    with pytest.raises(SignedOut):
        await send(server, "right")


async def test_a_server_that_never_has_enough() -> None:
    class Endless(Confirming):
        async def request(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
            raise matrix_error(401, {"session": "S", "flows": [{"stages": [DUMMY]}], "completed": []})

    with pytest.raises(ServerFault):
        await send(Endless([DUMMY]))


@pytest.mark.parametrize(
    ("flows", "completed", "stage"),
    [
        ([], [], ""),
        ([[]], [], ""),
        ([[PASSWORD]], [], PASSWORD),
        ([[SSO], [PASSWORD]], [], PASSWORD),
        ([[SSO]], [], SSO),
        ([["m.login.recaptcha", PASSWORD], [SSO]], [], SSO),
        ([[DUMMY, PASSWORD], [PASSWORD]], [], PASSWORD),
        ([[DUMMY, PASSWORD]], [DUMMY], PASSWORD),
        ([["m.login.recaptcha"]], [], ""),
        ([["m.login.recaptcha", PASSWORD]], ["m.login.recaptcha"], PASSWORD),
        ([["m.oauth"], ["org.matrix.cross_signing_reset"]], [], "m.oauth"),
    ],
)
def test_which_stage_comes_next(flows: list[list[str]], completed: list[str], stage: str) -> None:
    assert next_stage(flows, completed) == stage


@pytest.mark.parametrize(
    "error",
    [
        matrix_error(401, {"errcode": "M_UNKNOWN_TOKEN"}),
        matrix_error(403, {"errcode": "M_FORBIDDEN", "flows": []}),
        matrix_error(401, {"flows": "x"}),
    ],
)
def test_what_is_no_challenge(error: MatrixError) -> None:
    assert challenge_in(error) is None


def test_a_malformed_challenge_asks_for_nothing_we_do() -> None:
    challenge = challenge_in(matrix_error(401, {"flows": [7, {"stages": [1, None]}, {}], "session": 5, "params": []}))
    assert challenge is not None
    assert next_stage(challenge.flows, challenge.completed) == ""
    assert "secret" not in repr(challenge_in(matrix_error(401, {"flows": [], "session": "secret"})))
