"""Who is in the meeting: members announced in the room merged with participants seen at the SFU. No tasks, time comes in.

Only announced members are ever shown or heard. Somebody at the SFU whom nobody announced is an alarm, as is a member who
sends clear media in an encrypted room.
"""

from dataclasses import dataclass, field

from welink_desktop.core.calls import (
    CallMember,
    EncryptionChanged,
    EncryptionState,
    MediaEvent,
    ParticipantJoined,
    ParticipantLeft,
    Quality,
    QualityChanged,
    SilenceNoticed,
    SpeakersChanged,
    TrackChanged,
    TrackGone,
    TrackInfo,
    TrackSource,
)
from welink_desktop.core.ids import localpart_of
from welink_desktop.services.meeting.records import Alarm, AlarmKind, Participant

KEY_GRACE = 2.0
STRANGER_GRACE = 5.0


@dataclass(slots=True)
class _Seen:
    """A participant at the SFU."""

    since: float
    tracks: dict[TrackSource, TrackInfo] = field(default_factory=dict)
    quality: Quality = Quality.UNKNOWN
    closed_since: float | None = None
    silent_ms: int = 0


class Roster:
    """`encrypted`: whether the room is. `own` and `service_url` are ours. Seconds are monotonic."""

    def __init__(self, *, encrypted: bool, own: str, service_url: str) -> None:
        self._encrypted, self._own, self._service_url = encrypted, own, service_url
        self._members: tuple[CallMember, ...] = ()
        self._seen: dict[str, _Seen] = {}
        self._speakers: dict[str, float] = {}
        self._on: dict[TrackSource, bool] = {}

    def members(self, members: tuple[CallMember, ...]) -> None:
        self._members = members

    def own_source(self, source: TrackSource, on: bool) -> None:
        """What our own engine really does."""
        self._on[source] = on

    def lost(self) -> None:
        """Our connection to the SFU is gone: everybody will be told again."""
        self._seen.clear()
        self._speakers.clear()

    def event(self, event: MediaEvent, now: float) -> bool:
        """Take in what concerns participants. False: it does not."""
        match event:
            case ParticipantJoined():
                self._participant(event.identity, now)
            case ParticipantLeft():
                self._seen.pop(event.identity, None)
                self._speakers.pop(event.identity, None)
            case TrackChanged():
                self._participant(event.track.identity, now).tracks[event.track.source] = event.track
            case TrackGone():
                if event.identity in self._seen:
                    self._seen[event.identity].tracks.pop(event.source, None)
            case SpeakersChanged():
                self._speakers = dict(event.speakers)
            case EncryptionChanged():
                self._encryption(self._participant(event.identity, now), event.state, now)
            case QualityChanged():
                self._participant(event.identity, now).quality = event.quality
            case SilenceNoticed():
                self._participant(event.identity, now).silent_ms = event.ms
            case _:
                return False
        return True

    def speaking(self) -> tuple[str, ...]:
        """Announced members who are heard just now, loudest first."""
        known = {member.identity for member in self._members}
        loud = sorted(self._speakers.items(), key=lambda pair: -pair[1])
        return tuple(identity for identity, _ in loud if identity in known)

    def participants(self, now: float) -> tuple[Participant, ...]:
        return tuple(self._participant_of(member, now) for member in self._members)

    def alarms(self, now: float) -> tuple[Alarm, ...]:
        names = {member.identity: member.name for member in self._members}
        strangers = [
            Alarm(AlarmKind.STRANGER, identity)
            for identity, seen in self._seen.items()
            if identity not in names and identity != self._own and now - seen.since >= STRANGER_GRACE
        ]
        clear = [
            Alarm(AlarmKind.UNENCRYPTED, identity, names[identity])
            for identity in self._seen
            if identity in names and self._insecure(identity)
        ]
        return (*strangers, *clear)

    def deaf_to(self) -> frozenset[str]:
        """Whose sound must not be played."""
        known = {member.identity for member in self._members}
        return frozenset(one for one in self._seen if one != self._own and (one not in known or self._insecure(one)))

    def sharing(self) -> str | None:
        """Whose screen is shared, the earliest member first. Never ourselves: a picture of our own screen would show itself."""
        sharers = (member.identity for member in self._members if member.identity != self._own)
        return next((identity for identity in sharers if self._shares(identity)), None)

    def _shares(self, identity: str) -> bool:
        if identity == self._own:
            return self._on.get(TrackSource.SCREEN, False)
        return not self._insecure(identity) and self._is_on(identity, TrackSource.SCREEN)

    def _participant_of(self, member: CallMember, now: float) -> Participant:
        seen = self._seen.get(member.identity)
        insecure = self._insecure(member.identity)
        level = self._speakers.get(member.identity)
        own = member.identity == self._own
        return Participant(
            identity=member.identity,
            user=member.user,
            device=member.device,
            name=member.name or localpart_of(member.user),
            avatar=member.avatar,
            external=member.external,
            own=own,
            since_ms=member.since_ms,
            connected=own or seen is not None,
            reachable=own or member.service_url == self._service_url,
            microphone=self._is_on(member.identity, TrackSource.MICROPHONE),
            camera=self._is_on(member.identity, TrackSource.CAMERA) and not insecure,
            screen=self._is_on(member.identity, TrackSource.SCREEN) and not insecure,
            speaking=level is not None and not insecure,
            level=level or 0.0,
            quality=seen.quality if seen is not None else Quality.UNKNOWN,
            waiting_for_key=not own and self._waiting(seen, now),
            insecure=insecure,
            silent_ms=seen.silent_ms if seen is not None else 0,
        )

    def _participant(self, identity: str, now: float) -> _Seen:
        return self._seen.setdefault(identity, _Seen(since=now))

    def _is_on(self, identity: str, source: TrackSource) -> bool:
        if identity == self._own:
            return self._on.get(source, False)
        seen = self._seen.get(identity)
        track = seen.tracks.get(source) if seen is not None else None
        return track is not None and not track.muted

    def _insecure(self, identity: str) -> bool:
        seen = self._seen.get(identity)
        if not self._encrypted or seen is None or identity == self._own:
            return False
        return any(not track.encrypted for track in seen.tracks.values())

    def _encryption(self, seen: _Seen, state: EncryptionState, now: float) -> None:
        if state is EncryptionState.OK:
            seen.closed_since = None
        elif seen.closed_since is None:
            seen.closed_since = now

    def _waiting(self, seen: _Seen | None, now: float) -> bool:
        closed = seen.closed_since if seen is not None else None
        return self._encrypted and closed is not None and now - closed >= KEY_GRACE
