"""Each colleague's own profile folder, opened with the product's own engine."""

from pathlib import Path

from welink_desktop.adapters.keyring.file import FileSecrets
from welink_desktop.adapters.matrix.accounts import MatrixAccounts
from welink_desktop.core.errors import FileDamaged
from welink_desktop.core.media import Picture
from welink_desktop.core.ports.accounts import Accounts


def accounts_in(folder: Path) -> Accounts:
    """The accounts of one colleague below `folder`; secrets lie in a file there: this is an evaluation."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return MatrixAccounts(folder, FileSecrets(folder / "secrets.json"), decode=_unseen)


async def _unseen(data: bytes, width: int, height: int, *, cover: bool = False) -> Picture:
    """Nobody looks at pictures here."""
    del data, width, height, cover
    raise FileDamaged
