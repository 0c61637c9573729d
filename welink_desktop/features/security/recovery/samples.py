"""Named states of the recovery sheet for gallery, goldens and tests."""

from welink_desktop.core.errors import WrongPassword, WrongRecoveryKey
from welink_desktop.core.security import Progress
from welink_desktop.features.security.recovery.model import SheetState, Step

KEY = "EsTc LW2K PGiF wKEA 3As5 g5c4 BXwk qeeJ ZJV8 Q9fu gUMN UE4d"

SAMPLES: dict[str, SheetState] = {
    "offer": SheetState(Step.OFFER),
    "passphrase": SheetState(Step.OFFER, own_passphrase=True),
    "key": SheetState(Step.KEY, key=KEY),
    "leaving": SheetState(Step.KEY, key=KEY, leaving=True),
    "enter": SheetState(Step.ENTER),
    "wrong": SheetState(Step.ENTER, passphrase_set=True, failure=WrongRecoveryKey()),
    "start-over": SheetState(Step.START_OVER, password=True, failure=WrongPassword()),
    "restoring": SheetState(Step.RESTORING, restoring=Progress(1240, 4800)),
    "done": SheetState(Step.DONE),
    "password": SheetState(Step.SIGN),
}
