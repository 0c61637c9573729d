"""Two engines on the real homeserver: rooms, messages, receipts, typing, relations."""

from pathlib import Path

import pytest

from tests.support.engine import TimelineSeen, people, shared_room, until
from tests.support.servers import TestSynapse
from welink_desktop.core.timeline import OutgoingText, SendPhase
from welink_desktop.core.trust import Shield


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "encrypted"])
async def test_messages_go_both_ways(synapse: TestSynapse, tmp_path: Path, encrypted: bool) -> None:
    async with people(synapse, tmp_path, "lin", "mei") as (lin, mei):
        room = await shared_room(lin, mei, encrypted=encrypted)
        of_lin = TimelineSeen(await lin.session.chat.open_timeline(room))
        of_mei = TimelineSeen(await mei.session.chat.open_timeline(room))
        sent = await lin.session.chat.send_text(room, OutgoingText("你好,周三的会议几点?"))
        received = await until(lambda: of_mei.item("你好,周三的会议几点?"))
        assert received.sender == lin.account.user
        assert received.shield is (Shield.NONE if not encrypted else received.shield)
        assert received.shield in (Shield.NONE, Shield.AUTHENTIC, Shield.UNSIGNED)
        await mei.session.chat.send_text(room, OutgoingText("十点。"))
        await until(lambda: of_lin.item("十点。"))
        echo = await until(lambda: of_lin.item("你好,周三的会议几点?"))
        await until(lambda: str(of_lin.item("你好,周三的会议几点?").ref).startswith("$"))  # type: ignore[union-attr]  # it is there
        assert echo.key == sent
        final = of_lin.item("你好,周三的会议几点?")
        assert final is not None
        assert final.key == sent
        assert final.send.phase is SendPhase.SENT
        assert of_lin.bodies == of_mei.bodies == ["你好,周三的会议几点?", "十点。"]
        await of_lin.timeline.close()
        await of_mei.timeline.close()
