"""Where we publish: discovery of the RTC transport (matrixrtc §1), kept for 24 hours."""

from collections.abc import Mapping
from typing import Any

from welink_desktop.adapters.matrix.rtc.seams import CallServer
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import NoMeetingService, Offline, ServerFault, WeLinkError

WELL_KNOWN_FOCI = "org.matrix.msc4143.rtc_foci"
KEPT_SECONDS = 24 * 3600.0


class Transports:
    """Order: the server's endpoint, `.well-known` of our server name, `configured` ("" = none)."""

    def __init__(self, server: CallServer, clock: Clock, configured: str = "") -> None:
        self._server = server
        self._clock = clock
        self._configured = configured
        self._found = ""
        self._found_at = 0.0

    async def service_url(self) -> str:
        """The URL of our token service, exactly as announced. Raises `NoMeetingService`, `Offline`, `ServerFault`."""
        if self._found and self._clock.monotonic() - self._found_at < KEPT_SECONDS:
            return self._found
        url = await self._discover()
        if not url:
            raise NoMeetingService
        self._found, self._found_at = url, self._clock.monotonic()
        return url

    def forget(self) -> None:
        """The announced service failed: ask again next time."""
        self._found = ""

    async def _discover(self) -> str:
        trouble: WeLinkError | None = None
        try:
            announced = first_service_url(await self._server.transports())
        except (Offline, ServerFault) as error:
            announced, trouble = "", error
        if announced:
            return announced
        try:
            known = first_service_url((await self._server.well_known()).get(WELL_KNOWN_FOCI))
        except WeLinkError:
            known = ""
        if known or self._configured:
            return known or self._configured
        if trouble is not None:
            raise trouble
        return ""


def first_service_url(transports: Any) -> str:
    """The first LiveKit entry that names a token service; "" if there is none or the list is malformed."""
    if not isinstance(transports, (list, tuple)):
        return ""
    for entry in transports:
        if not isinstance(entry, Mapping) or entry.get("type") != "livekit":
            continue
        url = entry.get("livekit_service_url")
        if isinstance(url, str) and url.startswith(("https://", "http://")):
            return url
    return ""
