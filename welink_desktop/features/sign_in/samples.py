"""Named states of the sign-in page for gallery, goldens and tests."""

from welink_desktop.core.account import Account, Homeserver
from welink_desktop.core.errors import KeyringMissing, ServerNotFound, StoreKeyMissing, WrongPassword
from welink_desktop.core.ids import AccountKey, DeviceId, UserId
from welink_desktop.core.text import text
from welink_desktop.features.sign_in.model import Found, Looking, NotFound, SignInState, Way

_SERVER = Homeserver("yunshan.example", "https://chat.yunshan.example", organisation="云杉总医院 Yunshan General Hospital")
_ADDRESS = "lin.zhiyuan@yunshan.example"
_FOUND = SignInState(can_try_here=True, address=_ADDRESS, lookup=Found(_SERVER), user="lin.zhiyuan")
_ACCOUNT = Account(AccountKey("sample"), UserId("@lin.zhiyuan:yunshan.example"), DeviceId("SAMPLE"), _SERVER)

SAMPLES: dict[str, SignInState] = {
    "welcome": SignInState(can_try_here=True),
    "looking": SignInState(can_try_here=True, address=_ADDRESS, lookup=Looking()),
    "found": _FOUND,
    "server-missing": SignInState(
        can_try_here=True, address="yunshan.exmaple", lookup=NotFound(ServerNotFound(name="yunshan.exmaple"))
    ),
    "wrong-password": SignInState(
        can_try_here=True, address=_ADDRESS, lookup=Found(_SERVER), user="lin.zhiyuan", failure=WrongPassword()
    ),
    "keyring-missing": SignInState(
        can_try_here=True,
        address=_ADDRESS,
        lookup=Found(_SERVER),
        user="lin.zhiyuan",
        failure=KeyringMissing(),
        choose_storage=True,
    ),
    "evaluation": SignInState(can_try_here=True, way=Way.EVALUATION),
    "evaluation-starting": SignInState(can_try_here=True, way=Way.EVALUATION, busy=text("evaluation-starting")),
    "blocked": SignInState(can_try_here=True, blocked=_ACCOUNT, failure=StoreKeyMissing()),
    "blocked-recoverable": SignInState(can_try_here=True, blocked=_ACCOUNT, failure=StoreKeyMissing(), recoverable=True),
}
