"""From a typed address to a homeserver; every host is a function."""

import ssl
from collections.abc import Callable

import httpx
import pytest

from welink_desktop.adapters.matrix.discovery import discover
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.core.errors import CertificateRefused, NotAHomeserver, Offline, ServerFault, ServerNotFound, WeLinkError

VERSIONS = httpx.Response(200, json={"versions": ["v1.1", "v1.15"]})
FLOWS = httpx.Response(200, json={"flows": [{"type": "m.login.password"}, {"type": "m.login.sso"}, 5]})
NOTHING = httpx.Response(404, json={"errcode": "M_UNRECOGNIZED"})


def internet(**hosts: dict[str, httpx.Response] | Exception) -> Callable[[str], Http]:
    """`hosts` by name with "_" for "."; a host that is not listed does not resolve."""

    def handle(request: httpx.Request) -> httpx.Response:
        host = hosts.get(request.url.host.replace(".", "_"))
        if host is None:
            import socket

            failure = httpx.ConnectError("no such name")
            failure.__cause__ = socket.gaierror(socket.EAI_NONAME, "unknown")
            raise failure
        if isinstance(host, Exception):
            raise host
        return host.get(request.url.path, NOTHING)

    return lambda url: Http(url, transport=httpx.MockTransport(handle))


SERVER = {"/_matrix/client/versions": VERSIONS, "/_matrix/client/v3/login": FLOWS}


def announcing(url: object) -> dict[str, httpx.Response]:
    return {"/.well-known/matrix/client": httpx.Response(200, json={"m.homeserver": {"base_url": url}})}


@pytest.mark.parametrize("typed", ["hospital.example", "@lin:hospital.example", "lin@Hospital.Example", " hospital.example/ "])
async def test_the_announcement_leads_to_the_server(typed: str) -> None:
    make = internet(hospital_example=announcing("https://matrix.hospital.example/"), matrix_hospital_example=SERVER)
    found = await discover(typed, make)
    assert (found.name, found.base_url) == ("hospital.example", "https://matrix.hospital.example")
    assert found.password
    assert found.sso
    assert found.secure


@pytest.mark.parametrize("url", ["http://matrix.hospital.example", "ftp://x", "", 5, "https://"])
async def test_an_announcement_that_is_not_safe_is_passed_over(url: object) -> None:
    found = await discover("hospital.example", internet(hospital_example={**announcing(url), **SERVER}))
    assert found.base_url == "https://hospital.example"


async def test_a_typed_url_is_taken_as_it_is() -> None:
    found = await discover("https://Matrix.hospital.example:8448/", internet(matrix_hospital_example=SERVER))
    assert found.base_url == "https://Matrix.hospital.example:8448"


def refused() -> Exception:
    failure = httpx.ConnectError("tls")
    failure.__cause__ = ssl.SSLCertVerificationError("expired")
    return failure


@pytest.mark.parametrize(
    ("host", "error"),
    [
        (None, ServerNotFound),
        ({}, NotAHomeserver),
        ({"/_matrix/client/versions": httpx.Response(200, text="<html>")}, NotAHomeserver),
        ({"/_matrix/client/versions": httpx.Response(200, json={"versions": "x"})}, NotAHomeserver),
        ({"/_matrix/client/versions": httpx.Response(503)}, ServerFault),
        (httpx.ConnectError("refused"), Offline),
        (refused(), CertificateRefused),
    ],
)
async def test_what_went_wrong_is_told(host: dict[str, httpx.Response] | Exception | None, error: type[WeLinkError]) -> None:
    make = internet() if host is None else internet(hospital_example=host)
    with pytest.raises(error) as caught:
        await discover("hospital.example", make)
    if error not in (Offline, ServerFault):
        assert caught.value.args_for_text == {"name": "hospital.example"}
        assert type(caught.value) is error
