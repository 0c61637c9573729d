"""A whole engine that writes secrets into its store and then waits to be killed, with everything open."""

import asyncio
import sys
from pathlib import Path

from tests.support.engine import no_pictures
from welink_desktop.adapters.keyring.file import FileSecrets
from welink_desktop.adapters.matrix.accounts import MatrixAccounts
from welink_desktop.app.profile import Profile
from welink_desktop.core.ids import AccountKey, RoomId
from welink_desktop.core.timeline import OutgoingFile, OutgoingText


async def main(profile: Path, keyring: Path, key: AccountKey, room: RoomId, words: list[str]) -> None:
    """The last of `words` is a draft, the one before the caption of a file that is named so."""
    kept = Profile(profile)
    kept.prepare()
    kept.start_log(talkative=True)
    accounts = MatrixAccounts(profile, FileSecrets(keyring), decode=no_pictures)

    session = await accounts.open(key)
    *texts, name, draft = words
    for text in texts:
        await session.chat.send_text(room, OutgoingText(text))
    file = keyring.parent / f"{name}.txt"
    file.write_text(name)
    await session.chat.send_file(room, OutgoingFile(str(file), caption=name))
    file.unlink()
    await session.chat.set_draft(room, draft)
    await asyncio.sleep(2.5)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), AccountKey(sys.argv[3]), RoomId(sys.argv[4]), sys.argv[5:]))
