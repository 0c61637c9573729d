"""From what a person typed to a homeserver (client-server API, "Server discovery"; matrix.md §1.3)."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from welink_desktop.adapters.matrix.constants import CLIENT_V3
from welink_desktop.adapters.matrix.errors import MatrixError
from welink_desktop.adapters.matrix.http import Http, is_loopback
from welink_desktop.adapters.matrix.wire.values import Json, list_of, object_of, text_of
from welink_desktop.core.account import Homeserver
from welink_desktop.core.errors import CertificateRefused, NotAHomeserver, Offline, ServerFault, ServerNotFound

LOOK_SECONDS = 15.0
_NAME = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")

MakeHttp = Callable[[str], Http]


async def discover(address: str, make: MakeHttp) -> Homeserver:
    """See `core.ports.accounts.Accounts.discover`."""
    name, url = _target(address)
    if url is not None:
        return await _checked(name, url, make)
    if is_loopback(f"https://{name}"):
        return await _checked(name, f"http://{name}", make)
    told = await _well_known(name, make)
    return await _checked(name, told or f"https://{name}", make)


def _target(address: str) -> tuple[str, str | None]:
    """(name, base URL if one was typed). Raises `ServerNotFound` for what can be neither."""
    typed = address.strip()
    if typed.lower().startswith(("http://", "https://")):
        parts = urlsplit(typed)
        if not parts.hostname or parts.username or (parts.scheme == "http" and not is_loopback(typed)):
            raise ServerNotFound(name=address.strip()[:100])
        return parts.netloc, f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
    if typed.startswith("@"):
        typed = typed.partition(":")[2]
    elif "@" in typed:
        typed = typed.rpartition("@")[2]
    typed = typed.rstrip("/").lower()
    if not _NAME.fullmatch(typed):
        raise ServerNotFound(name=address.strip()[:100])
    return typed, None


async def _well_known(name: str, make: MakeHttp) -> str | None:
    """The announced base URL; None if there is no announcement. Raises `CertificateRefused`, `ServerNotFound`."""
    http = make(f"https://{name}")
    try:
        found = await http.request("GET", (".well-known", "matrix", "client"), retry=False, deadline=LOOK_SECONDS, auth=False)
    except (MatrixError, ServerFault, Offline) as error:
        if isinstance(error, ServerNotFound) and "." not in name:
            raise ServerNotFound(name=name) from error
        return None
    except CertificateRefused as error:
        raise CertificateRefused(name=name) from error
    finally:
        await http.aclose()
    url = text_of(object_of(found, "m.homeserver"), "base_url", 500).rstrip("/")
    parts = urlsplit(url)
    if not parts.hostname or (parts.scheme != "https" and not is_loopback(url)):
        return None
    return url


async def _checked(name: str, url: str, make: MakeHttp) -> Homeserver:
    http = make(url)
    try:
        versions = await http.request("GET", ("_matrix", "client", "versions"), retry=False, deadline=LOOK_SECONDS, auth=False)
        if not list_of(versions, "versions"):
            raise NotAHomeserver(name=name)
        flows = await http.request("GET", (*CLIENT_V3, "login"), retry=False, deadline=LOOK_SECONDS, auth=False)
    except CertificateRefused as error:
        raise CertificateRefused(name=name) from error
    except Offline as error:
        if isinstance(error, ServerNotFound):
            raise ServerNotFound(name=name) from error
        raise
    except MatrixError as error:
        raise NotAHomeserver(name=name) from error
    except ServerFault as error:
        if error.detail.startswith("status 5"):
            raise
        raise NotAHomeserver(name=name) from error
    finally:
        await http.aclose()
    return _homeserver(name, url, flows)


def _homeserver(name: str, url: str, flows: Json) -> Homeserver:
    kinds = {text_of(flow, "type", 100) for flow in list_of(flows, "flows")}
    return Homeserver(
        name=name,
        base_url=url,
        password="m.login.password" in kinds,
        sso="m.login.sso" in kinds,
        secure=url.startswith("https://"),
    )
