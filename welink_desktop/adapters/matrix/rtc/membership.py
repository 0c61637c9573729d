"""Call membership state events, compatibility mode: strict parsing, ordering, and the contents we write (matrixrtc §2)."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from welink_desktop.core.calls import CallMember
from welink_desktop.core.ids import ContentUri, DeviceId, EventId, RoomId, UserId

MEMBER_EVENT = "org.matrix.msc3401.call.member"
APPLICATION = "m.call"
FIRST_EXPIRY_MS = 14_400_000
MAX_EXPIRY_MS = 30 * 24 * 3_600_000
MAX_ID_LENGTH = 255
MAX_MEMBERS = 1_000
_OWNED_STATE_VERSIONS = ("org.matrix.msc3757", "org.matrix.msc3779")


@dataclass(frozen=True, slots=True)
class MemberEvent:
    """A call.member state event as the server gave it. `content` is untrusted; `timestamp_ms` is `origin_server_ts`."""

    sender: UserId
    event: EventId
    timestamp_ms: int
    content: Mapping[str, Any]
    state_key: str = ""


@dataclass(frozen=True, slots=True)
class Face:
    """How a room shows a member: display name, avatar, whether from outside the organisation."""

    name: str = ""
    avatar: ContentUri | None = None
    external: bool = False


def identity_of(user: UserId, device: DeviceId) -> str:
    """The participant's name at the SFU in compatibility mode (matrixrtc §3.4)."""
    return f"{user}:{device}"


def state_key_of(user: UserId, device: DeviceId, room_version: str) -> str:
    """The state key of our own membership (matrixrtc §2.2). Others' keys are never parsed."""
    key = f"{user}_{device}_{APPLICATION}"
    return key if room_version.startswith(_OWNED_STATE_VERSIONS) else f"_{key}"


def content_of(
    user: UserId,
    device: DeviceId,
    room: RoomId,
    service_url: str,
    *,
    video: bool,
    expires_ms: int = FIRST_EXPIRY_MS,
    created_ms: int | None = None,
) -> dict[str, Any]:
    """The content of our membership (matrixrtc §2.3); `created_ms` is given in every update, never in the first event."""
    content: dict[str, Any] = {
        "application": APPLICATION,
        "call_id": "",
        "scope": "m.room",
        "device_id": device,
        "membershipID": identity_of(user, device),
        "expires": expires_ms,
        "m.call.intent": "video" if video else "audio",
        "focus_active": {"type": "livekit", "focus_selection": "multi_sfu"},
        "foci_preferred": [{"type": "livekit", "livekit_service_url": service_url, "livekit_alias": room}],
    }
    if created_ms is not None:
        content["created_ts"] = created_ms
    return content


def parse_members(
    events: Iterable[MemberEvent],
    joined: Collection[UserId],
    now_ms: int,
    *,
    own: tuple[UserId, DeviceId] | None = None,
    face: Callable[[UserId], Face] | None = None,
) -> tuple[CallMember, ...]:
    """All valid, unexpired members whose sender is joined, in order of joining; of two events of one device the newer wins.

    Malformed events are no members; they never raise. `face` gives names. At most 1,000 members are returned.
    """
    newest: dict[tuple[UserId, DeviceId], tuple[MemberEvent, _Parsed]] = {}
    for event in events:
        parsed = _parse(event)
        if parsed is None or event.sender not in joined or parsed.expires_at_ms <= now_ms:
            continue
        key = (event.sender, parsed.device)
        known = newest.get(key)
        if known is None or (event.timestamp_ms, event.event) > (known[0].timestamp_ms, known[0].event):
            newest[key] = (event, parsed)
    ordered = sorted(newest.values(), key=lambda pair: (pair[1].since_ms, pair[0].sender, pair[1].device))
    oldest_url = ordered[0][1].first_url if ordered else ""
    return tuple(_member(event, parsed, oldest_url, own, face) for event, parsed in ordered[:MAX_MEMBERS])


def next_expiry_ms(events: Iterable[MemberEvent], now_ms: int) -> int | None:
    """When the next unexpired membership runs out, in Unix milliseconds; None without any."""
    times = [parsed.expires_at_ms for event in events if (parsed := _parse(event)) is not None]
    return min((time for time in times if time > now_ms), default=None)


@dataclass(frozen=True, slots=True)
class _Parsed:
    device: DeviceId
    since_ms: int
    expires_at_ms: int
    selection: str
    first_url: str
    video: bool


def _parse(event: MemberEvent) -> _Parsed | None:
    content = event.content
    device, application = content.get("device_id"), content.get("application")
    if not isinstance(device, str) or not 0 < len(device) <= MAX_ID_LENGTH or application != APPLICATION:
        return None
    if content.get("call_id") != "" or not isinstance(content.get("scope", ""), str):
        return None
    focus, intent = content.get("focus_active"), content.get("m.call.intent", "video")
    if not isinstance(focus, Mapping) or not isinstance(focus.get("type"), str) or not isinstance(intent, str):
        return None
    first_url = _first_url(content.get("foci_preferred", []))
    since = _milliseconds(content.get("created_ts", event.timestamp_ms))
    expires = _milliseconds(content.get("expires", FIRST_EXPIRY_MS))
    if first_url is None or since is None or expires is None:
        return None
    selection = focus.get("focus_selection") if focus["type"] == "livekit" else None
    return _Parsed(
        device=DeviceId(device),
        since_ms=since,
        expires_at_ms=since + min(expires, MAX_EXPIRY_MS),
        selection=selection if isinstance(selection, str) else "",
        first_url=first_url,
        video=intent != "audio",
    )


def _first_url(foci: object) -> str | None:
    """The service URL of the first focus, "" if it is not LiveKit's, None if the list is malformed."""
    if not isinstance(foci, list):
        return None
    if not all(isinstance(focus, Mapping) and isinstance(focus.get("type"), str) for focus in foci):
        return None
    if not foci or foci[0]["type"] != "livekit":
        return ""
    url = foci[0].get("livekit_service_url")
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else ""


def _milliseconds(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -(2**53) < value < 2**53:
        return None
    return int(value)


def _member(
    event: MemberEvent,
    parsed: _Parsed,
    oldest_url: str,
    own: tuple[UserId, DeviceId] | None,
    face: Callable[[UserId], Face] | None,
) -> CallMember:
    url = {"multi_sfu": parsed.first_url, "oldest_membership": oldest_url}.get(parsed.selection, "")
    look = face(event.sender) if face is not None else Face()
    return CallMember(
        user=event.sender,
        device=parsed.device,
        identity=identity_of(event.sender, parsed.device),
        event=event.event,
        since_ms=parsed.since_ms,
        service_url=url,
        name=look.name,
        avatar=look.avatar,
        external=look.external,
        video=parsed.video,
        own=(event.sender, parsed.device) == own,
    )
