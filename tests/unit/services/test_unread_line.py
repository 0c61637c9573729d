"""Where unread messages begin, and sums for badges."""

from dataclasses import replace

from tests.support.messages import item, summary
from welink_desktop.core.ids import EventId, TransactionId
from welink_desktop.core.rooms import Membership, Unread
from welink_desktop.core.text import text
from welink_desktop.core.timeline import NoticeContent
from welink_desktop.services.totals import totals
from welink_desktop.services.unread import newest_event, unread_mark


def test_the_line_stands_before_the_first_message_after_the_receipt() -> None:
    rows = [item(1), item(2), item(3), item(4)]
    mark = unread_mark(rows, EventId("$2"))
    assert mark is not None and (mark.key, mark.count) == ("$3", 2)


def test_notices_and_own_messages_do_not_count() -> None:
    notice = replace(item(3), content=NoticeContent(text("notice-left", person="x")))
    assert unread_mark([item(1), item(2), notice], EventId("$2")) is None
    assert unread_mark([item(1), item(2), item(3, own=True)], EventId("$1")) is None


def test_without_a_receipt_nothing_is_claimed() -> None:
    assert unread_mark([item(1)], None) is None
    assert unread_mark([item(1)], EventId("$elsewhere")) is None


def test_the_newest_event_skips_what_the_server_does_not_know() -> None:
    waiting = replace(item(3, own=True), ref=TransactionId("txn-3"))
    assert newest_event([item(1), item(2), waiting]) == "$2"
    assert newest_event([waiting]) is None


def test_totals_leave_out_muted_rooms_but_not_mentions() -> None:
    rooms = [
        summary("!a", unread=Unread(3, 1)),
        summary("!b", unread=Unread(9, 0), muted=True),
        summary("!c", unread=Unread(5, 2), muted=True),
        summary("!d", membership=Membership.INVITED),
        summary("!e", unread=Unread(0, 0, marked=True)),
        summary("!f", unread=Unread(4, 0), is_space=True),
    ]
    sums = totals(rooms)
    assert (sums.messages, sums.mentions, sums.rooms) == (5, 3, 4)
