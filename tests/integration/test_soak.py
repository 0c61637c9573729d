"""A short soak of encryption: everything that should be readable is, nothing is lost or doubled; and a soak can fail."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.engine import people, shared_room, until
from tests.support.servers import TestSynapse
from tests.support.soak_verdict import ABSENT, as_sent, bodies, judge
from welink_desktop.core.timeline import OutgoingText

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_short_soak_ends_with_everything_readable(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = "--messages 400 --devices 6 --rooms 3 --children 1 --minutes 2.5"
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "soak.py"), *words.split(), "--report", str(report)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        timeout=220,
    )
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["messages"] >= 400 and found["kills"] and found["cuts"] and found["joins"] and found["sign_ins"] >= 6
    assert (found["unreadable"], found["lost"], found["duplicates"]) == (0, 0, 0), found["examples"]
    assert done.returncode == 0


async def test_the_verdict_sees_what_cannot_be_read(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "ann", "ben") as (ann, ben):
        room = await shared_room(ann, ben)
        for number in range(3):
            await ann.session.chat.send_text(room, OutgoingText(str(number)))
        await until(lambda: len(bodies(ben.session, room)) == 3)
        reader = synapse.register("reader")
        await ann.session.chat.invite(room, reader.user_id)  # type: ignore[arg-type]  # as registered
        with synapse.client(reader) as client:
            client.join(room)
            truth = {room: as_sent(client, room)}
        assert judge(ben.session, "ben", truth).expected == 3
        assert not judge(ben.session, "ben", truth).unreadable
        with ben.session._around.database.transaction() as t:
            first, second, third = (sent.event for sent in truth[room])
            t.execute("DELETE FROM events WHERE event = ?", (first,))
            t.execute("""UPDATE events SET clear = NULL, failure = '{"reason": "key-missing"}' WHERE event = ?""", (second,))
            t.execute("UPDATE events SET clear = (SELECT clear FROM events WHERE event = ?) WHERE event = ?", (third, second))
        verdict = judge(ben.session, "ben", truth)
        assert verdict.unreadable == {ABSENT: 1} and verdict.duplicates == 1
        with ben.session._around.database.transaction() as t:
            t.execute("UPDATE events SET clear = NULL WHERE event = ?", (second,))
        assert judge(ben.session, "ben", truth).unreadable == {ABSENT: 1, "key-missing": 1}
