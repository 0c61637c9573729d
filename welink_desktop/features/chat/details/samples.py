"""Named states of the details panel for gallery, goldens and tests."""

from dataclasses import replace

from welink_desktop.core.errors import Offline
from welink_desktop.features.chat.details.model import DetailsState, member_rows
from welink_desktop.features.chat.timeline.samples import MEMBERS, ROOM
from welink_desktop.services.members import MemberList

_FULL = DetailsState(ROOM, member_rows(MEMBERS), MEMBERS)

SAMPLES: dict[str, DetailsState] = {
    "members": _FULL,
    "clear": replace(_FULL, summary=replace(ROOM, encrypted=False, external_organisations=(), topic="")),
    "offline": DetailsState(ROOM, (), MemberList((), (), False, Offline())),
}
