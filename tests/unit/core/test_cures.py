"""What helps against a message that cannot be read: the whole table, and words in every language."""

import itertools
from pathlib import Path

import pytest

from welink_desktop.core.trust import MessageCure, Undecryptable, UndecryptableReason, cure_for

R = UndecryptableReason
ELSEWHERE = {R.KEY_MISSING, R.SENT_BEFORE_DEVICE, R.WITHHELD_UNVERIFIED, R.WITHHELD_BLOCKED, R.WITHHELD_NO_CHANNEL}
CATALOGUES = Path(__file__).parents[3] / "resources" / "i18n"


@pytest.mark.parametrize("reason", list(UndecryptableReason))
def test_the_cure_of_every_reason(reason: UndecryptableReason) -> None:
    for confirmed, backup, others in itertools.product((False, True), repeat=3):
        cure = cure_for(Undecryptable(reason), device_confirmed=confirmed, backup=backup, other_devices=others)
        if reason not in ELSEWHERE:
            expected = MessageCure.NONE
        elif not confirmed:
            expected = MessageCure.CONFIRM_THIS_DEVICE
        elif backup:
            expected = MessageCure.RESTORE_FROM_BACKUP
        else:
            expected = MessageCure.ASK_OTHER_DEVICES if others else MessageCure.NONE
        assert cure is expected, (reason, confirmed, backup, others)


def test_what_cannot_be_cured_has_no_cure() -> None:
    why = Undecryptable(R.KEY_MISSING, curable=False)
    assert cure_for(why, device_confirmed=False, backup=True, other_devices=True) is MessageCure.NONE


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_reason_has_plain_words(language: str) -> None:
    words = (CATALOGUES / language / "chat.ftl").read_text(encoding="utf-8")
    assert all(f"\nundecryptable-{reason.value} = " in words for reason in UndecryptableReason)
