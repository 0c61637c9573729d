"""Profiles from untrusted JSON (matrix.md §5)."""

from collections.abc import Mapping
from typing import Any

from welink_desktop.adapters.matrix.wire.values import Json, content_uri, integer_of, object_of, text_of, texts_of
from welink_desktop.core.ids import UserId, localpart_of, server_name_of
from welink_desktop.core.people import Person, Status

PREFIX = "io.welinkdesktop."
STATUS = "m.status"
TIME_ZONES = ("m.tz", "us.cloke.msc4175.tz")
_FIELDS = (
    "displayname",
    "avatar_url",
    STATUS,
    *TIME_ZONES,
    *(
        PREFIX + name
        for name in (
            "name_other",
            "organisation",
            "staff_number",
            "title",
            "department",
            "department_path",
            "phone",
            "mail",
            "location",
            "manager",
        )
    ),
)
_LIMIT = 256


def kept(profile: Mapping[str, Any]) -> Json:
    """The part of a profile worth storing."""
    return {name: profile[name] for name in _FIELDS if name in profile}


def person_of(user: UserId, profile: Json, *, home: str, own_server: str) -> Person:
    """The person behind a profile. `home` is the viewer's organisation ("" = not known), `own_server` the viewer's server.

    External: another organisation where both are known, else another server.
    """
    organisation = text_of(profile, PREFIX + "organisation", _LIMIT)
    manager = text_of(profile, PREFIX + "manager", 255)
    return Person(
        user=user,
        name=text_of(profile, "displayname", _LIMIT).strip() or localpart_of(user) or user,
        other_name=text_of(profile, PREFIX + "name_other", _LIMIT),
        avatar=content_uri(profile.get("avatar_url")),
        organisation=organisation,
        external=organisation != home if organisation and home else server_name_of(user) != own_server,
        staff_number=text_of(profile, PREFIX + "staff_number", _LIMIT),
        title=text_of(profile, PREFIX + "title", _LIMIT),
        department=text_of(profile, PREFIX + "department", _LIMIT),
        department_path=tuple(one[:_LIMIT] for one in texts_of(profile, PREFIX + "department_path")[:20]),
        phone=text_of(profile, PREFIX + "phone", _LIMIT),
        mail=text_of(profile, PREFIX + "mail", _LIMIT),
        location=text_of(profile, PREFIX + "location", _LIMIT),
        manager=UserId(manager) if manager.startswith("@") else None,
        time_zone=next((zone for field in TIME_ZONES if (zone := text_of(profile, field, 64))), ""),
        status=status_of(profile),
    )


def status_of(profile: Json) -> Status:
    """`m.status`: an object `{"text", "emoji", "until_ms"}`, or a plain text."""
    plain = text_of(profile, STATUS, _LIMIT)
    if plain:
        return Status(text=plain)
    value = object_of(profile, STATUS)
    until = integer_of(value, "until_ms")
    return Status(text=text_of(value, "text", _LIMIT), emoji=text_of(value, "emoji", 16), until_ms=until if until > 0 else None)


def status_field(status: Status) -> Json | None:
    """What `m.status` is to hold; None: nothing."""
    value: Json = {"text": status.text[:_LIMIT], "emoji": status.emoji[:16], "until_ms": status.until_ms}
    value = {name: part for name, part in value.items() if part}
    return value or None
