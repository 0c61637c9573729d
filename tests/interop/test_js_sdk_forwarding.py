"""Room keys from a device with matrix-js-sdk to one of ours of the same account, without any backup.

The other way round nothing happens: matrix-js-sdk answers questions for room keys, but asks none.
"""

from pathlib import Path

import pytest

from tests.interop.opponents import compared, device, in_state, opponent, read
from tests.interop.peers import missing
from tests.support.servers import TestSynapse
from welink_desktop.core.ids import RoomId
from welink_desktop.core.security import RecoveryState
from welink_desktop.core.trust import Shield

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "present")


async def test_their_device_gives_old_keys_to_ours_that_it_confirmed(synapse: TestSynapse, tmp_path: Path) -> None:
    account = synapse.register("tom")
    async with opponent(synapse, account, tmp_path, identity=True) as theirs:
        room = RoomId((await theirs.peer.create_room(name="Notes"))["room"])
        await theirs.peer.send(room=room, body="before the second device")
        async with device(synapse, account, tmp_path / "ours") as ours:
            ours.session.security._sharing._grace = 0.2
            await in_state(ours, RecoveryState.UNVERIFIED)
            await compared(ours, theirs)
            assert (await read(ours, room, "before the second device")).shield is Shield.UNPROVEN
