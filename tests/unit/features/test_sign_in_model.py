"""The sign-in page's model: discovery before the password, errors in their place, the choice without a keyring."""

from collections.abc import AsyncIterator

import pytest

from tests.support.until import until
from welink_desktop.adapters.fake import FakeAccounts, sample_world
from welink_desktop.adapters.fake.accounts import FakeSession
from welink_desktop.core.account import Account, Homeserver
from welink_desktop.core.errors import KeyringMissing, StoreKeyMissing, WrongPassword, WrongRecoveryKey
from welink_desktop.core.ids import AccountKey
from welink_desktop.core.reactive import Scope
from welink_desktop.features.sign_in.model import (
    ChangeAddress,
    ChooseWay,
    Found,
    KeepSecretsInFile,
    LookUp,
    NotFound,
    NotLooked,
    OpenWithRecoveryKey,
    SignIn,
    SignInModel,
    StartAfresh,
    TryAgain,
    TryHere,
    Way,
    user_in,
)
from welink_desktop.services.session import NoAccount, Open, SessionKeeper

ADDRESS = "lin.zhiyuan@yunshan.example"


class Accounts(FakeAccounts):
    """A profile without a keyring until `file` is chosen; `keyless` stores do not open."""

    keyring = True
    keyless = False
    sealed = False

    async def sign_in(self, server: Homeserver, user: str, password: str, device_name: str) -> Account:
        if not self.keyring:
            raise KeyringMissing
        return await super().sign_in(server, user, password, device_name)

    async def open(self, key: AccountKey) -> FakeSession:
        if self.keyless:
            raise StoreKeyMissing(recoverable=self.sealed)
        return await super().open(key)

    async def recover_store(self, key: AccountKey, secret: str) -> None:
        if secret != "the right key":
            raise WrongRecoveryKey
        self.keyless = False


class Place:
    def __init__(self, *, signed_in: bool = False) -> None:
        self.world = sample_world()
        self.accounts = Accounts(self.world, signed_in=signed_in)
        self.keeper = SessionKeeper(self.accounts, keep_secrets_in_file=self._use_file)
        self.scope = Scope("test")
        self.model = SignInModel(self.keeper, self.scope)

    def _use_file(self) -> None:
        self.accounts.keyring = True

    def blocked(self) -> Account | None:
        return self.model.state.value.blocked

    async def find(self, address: str = ADDRESS) -> None:
        self.model.act(ChangeAddress(address))
        self.model.act(LookUp())
        await until(self.model.state, lambda now: isinstance(now.lookup, Found | NotFound))


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    yield made
    await made.scope.aclose()
    await made.keeper.close()


async def test_the_organisation_is_found_before_the_password_is_asked(place: Place) -> None:
    await place.find()
    state = place.model.state.value
    assert isinstance(state.lookup, Found)
    assert state.lookup.server.organisation == "云杉总医院"
    assert state.user == "lin.zhiyuan"


async def test_a_wrong_server_name_is_said_at_the_field(place: Place) -> None:
    await place.find("yunshan.exmaple")
    assert isinstance(place.model.state.value.lookup, NotFound)
    place.model.act(ChangeAddress("yunshan.exampl"))
    assert isinstance(place.model.state.value.lookup, NotLooked)


async def test_a_wrong_password_leaves_everything_typed(place: Place) -> None:
    await place.find()
    place.model.act(SignIn("lin.zhiyuan", "wrong"))
    state = await until(place.model.state, lambda now: now.failure is not None)
    assert isinstance(state.failure, WrongPassword)
    assert isinstance(state.lookup, Found)
    await until(place.model.state, lambda now: now.busy is None)


async def test_the_right_password_opens_the_account(place: Place) -> None:
    await place.find()
    place.model.act(SignIn(" lin.zhiyuan ", place.world.password))
    await until(place.keeper.state, lambda now: isinstance(now, Open))


async def test_nothing_happens_without_a_password(place: Place) -> None:
    await place.find()
    place.model.act(SignIn("lin.zhiyuan", ""))
    assert place.model.state.value.busy is None


async def test_without_a_keyring_the_person_chooses_a_file(place: Place) -> None:
    place.accounts.keyring = False
    await place.find()
    place.model.act(SignIn("lin.zhiyuan", place.world.password))
    state = await until(place.model.state, lambda now: now.choose_storage and now.busy is None)
    assert isinstance(state.failure, KeyringMissing)
    place.model.act(TryAgain())
    await until(place.model.state, lambda now: now.choose_storage and now.busy is None)
    place.model.act(KeepSecretsInFile())
    await until(place.keeper.state, lambda now: isinstance(now, Open))


async def test_trying_it_without_the_backend_is_an_error_in_words(place: Place) -> None:
    place.model.act(ChooseWay(Way.EVALUATION))
    place.model.act(TryHere())
    state = await until(place.model.state, lambda now: now.failure is not None)
    assert state.failure is not None
    assert state.failure.key == "error-evaluation"


async def test_a_store_without_its_key_blocks_until_the_person_decides() -> None:
    place = Place(signed_in=True)
    place.accounts.keyless = True
    await place.keeper.start()
    assert place.blocked() is not None
    place.model.act(TryAgain())
    await until(place.model.state, lambda now: now.busy is None)
    assert place.blocked() is not None
    place.model.act(StartAfresh())
    await until(place.keeper.state, lambda now: isinstance(now, NoAccount))
    assert place.blocked() is None
    await place.scope.aclose()


async def test_a_lost_store_key_comes_back_with_the_recovery_key() -> None:
    place = Place(signed_in=True)
    place.accounts.keyless = place.accounts.sealed = True
    await place.keeper.start()
    assert place.model.state.value.recoverable
    place.model.act(OpenWithRecoveryKey("a wrong key"))
    state = await until(place.model.state, lambda now: isinstance(now.failure, WrongRecoveryKey) and now.busy is None)
    assert state.recoverable
    place.model.act(OpenWithRecoveryKey(" the right key "))
    await until(place.keeper.state, lambda now: isinstance(now, Open))
    assert place.blocked() is None
    await place.scope.aclose()


async def test_no_recovery_key_is_asked_where_none_was_kept() -> None:
    place = Place(signed_in=True)
    place.accounts.keyless = True
    await place.keeper.start()
    assert place.blocked() is not None
    assert not place.model.state.value.recoverable
    await place.scope.aclose()


def test_passwords_never_show_in_a_representation() -> None:
    assert "spruce" not in repr(SignIn("lin", "spruce"))


@pytest.mark.parametrize(
    ("address", "user"),
    [
        ("@lin:yunshan.example", "lin"),
        ("lin@yunshan.example", "lin"),
        ("yunshan.example", ""),
        ("https://lin@yunshan.example", ""),
    ],
)
def test_the_user_is_taken_from_the_address(address: str, user: str) -> None:
    assert user_in(address) == user
