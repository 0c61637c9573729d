"""Admission to an SFU: a fresh OpenID token is exchanged for a LiveKit token (matrixrtc §3)."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from welink_desktop.adapters.matrix.errors import Limited, MatrixError, TokenDead
from welink_desktop.adapters.matrix.rtc.membership import identity_of
from welink_desktop.adapters.matrix.rtc.seams import CallServer
from welink_desktop.core.calls import SfuTicket
from welink_desktop.core.errors import MeetingTokenRefused
from welink_desktop.core.ids import DeviceId, RoomId, UserId

MAX_TOKEN = 16_384


async def fetch_ticket(
    server: CallServer, service_url: str, room: RoomId, user: UserId, device: DeviceId, *, encrypted: bool
) -> SfuTicket:
    """Raises `MeetingTokenRefused` (also for a malformed answer or one for somebody else), `Offline`, `ServerFault`."""
    try:
        openid = await server.openid_token()
    except (Limited, TokenDead):
        raise
    except MatrixError as error:
        raise MeetingTokenRefused("the homeserver gave no OpenID token") from error
    answer = await server.ask_token_service(service_url, {"room": room, "openid_token": openid, "device_id": device})
    url, token = answer.get("url"), answer.get("jwt")
    if not isinstance(url, str) or not url.startswith(("wss://", "ws://", "https://", "http://")):
        raise MeetingTokenRefused("no SFU address")
    if not isinstance(token, str) or len(token) > MAX_TOKEN:
        raise MeetingTokenRefused("no SFU token")
    identity = claims_of(token).get("sub")
    if identity != identity_of(user, device):
        raise MeetingTokenRefused("the token is not ours")
    return SfuTicket(url=url, token=token, identity=identity, service_url=service_url, encrypted=encrypted)


def claims_of(token: str) -> Mapping[str, Any]:
    """The payload of a JWT, without checking its signature (the SFU does). Raises `MeetingTokenRefused`."""
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError) as error:
        raise MeetingTokenRefused("malformed token") from error
    if not isinstance(claims, dict):
        raise MeetingTokenRefused("malformed token")
    return claims
