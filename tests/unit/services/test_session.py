"""Which account is open: start, sign-in, evaluation, soft logout, sign-out."""

from dataclasses import replace

import pytest

from tests.support.until import until
from welink_desktop.adapters.fake import FakeAccounts, FakeWorld, sample_world
from welink_desktop.adapters.fake.accounts import FakeSession
from welink_desktop.core.account import Account, Connection, Link
from welink_desktop.core.errors import EvaluationFailed, Offline, SignedOut, StoreDamaged, StoreKeyMissing, WrongPassword
from welink_desktop.core.ids import AccountKey
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.ports.system import EvaluationPlace
from welink_desktop.core.reactive import State
from welink_desktop.services.session import CannotOpen, NoAccount, Open, SessionKeeper, SessionState, device_name


@pytest.fixture
def world() -> FakeWorld:
    return sample_world()


class Unopenable(FakeAccounts):
    """An account whose store key is missing until `healed`."""

    healed = False

    async def open(self, key: AccountKey) -> FakeSession:
        if not self.healed:
            raise StoreKeyMissing
        return await super().open(key)


class Unreadable(FakeAccounts):
    async def accounts(self) -> tuple[Account, ...]:
        raise Offline


def now(keeper: SessionKeeper) -> SessionState:
    return keeper.state.value


def link(keeper: SessionKeeper) -> Link:
    return keeper.connection.value.link


def password_wanted(keeper: SessionKeeper) -> bool:
    return keeper.needs_password


class Evaluation:
    def __init__(self, world: FakeWorld, *, fails: bool = False) -> None:
        self._world = world
        self._fails = fails
        self.started = State(0)

    async def start(self, progress: Listener[str]) -> EvaluationPlace:
        self.started.set(self.started.value + 1)
        progress("evaluation-starting")
        if self._fails:
            raise EvaluationFailed(part="Synapse", reason="port taken")
        return EvaluationPlace("yunshan.example", "yunshan.example", self._world.me.user, self._world.password)


async def test_the_last_account_opens_by_itself(world: FakeWorld) -> None:
    keeper = SessionKeeper(FakeAccounts(world))
    await keeper.start()
    state = keeper.state.value
    assert isinstance(state, Open)
    assert state.account.user == world.me.user
    assert link(keeper) is Link.LIVE
    await keeper.close()


async def test_without_an_account_somebody_has_to_sign_in(world: FakeWorld) -> None:
    keeper = SessionKeeper(FakeAccounts(world, signed_in=False))
    await keeper.start()
    assert now(keeper) == NoAccount()
    with pytest.raises(WrongPassword):
        await keeper.sign_in(await keeper.discover("yunshan.example"), world.me.user, "wrong")
    await keeper.sign_in(await keeper.discover("yunshan.example"), world.me.user, world.password)
    assert isinstance(now(keeper), Open)
    await keeper.close()


async def test_signing_out_ends_what_works_on_the_account(world: FakeWorld) -> None:
    accounts = FakeAccounts(world)
    keeper = SessionKeeper(accounts)
    await keeper.start()
    state = keeper.state.value
    assert isinstance(state, Open)
    await keeper.sign_out()
    assert state.scope.closed
    assert now(keeper) == NoAccount()
    assert await accounts.accounts() == ()
    assert link(keeper) is Link.STOPPED


async def test_an_account_that_cannot_be_opened_is_kept_and_tried_again(world: FakeWorld) -> None:
    accounts = Unopenable(world)
    keeper = SessionKeeper(accounts)
    await keeper.start()
    state = keeper.state.value
    assert isinstance(state, CannotOpen)
    assert isinstance(state.why, StoreKeyMissing)
    accounts.healed = True
    await keeper.reopen()
    assert isinstance(now(keeper), Open)
    await keeper.close()


async def test_a_blocked_account_can_be_given_up(world: FakeWorld) -> None:
    keeper = SessionKeeper(Unopenable(world))
    await keeper.start()
    await keeper.forget()
    assert now(keeper) == NoAccount()


async def test_a_failure_of_the_list_is_told(world: FakeWorld) -> None:
    keeper = SessionKeeper(Unreadable(world))
    await keeper.start()
    state = keeper.state.value
    assert isinstance(state, NoAccount)
    assert isinstance(state.why, Offline)


async def test_trying_it_here_starts_and_signs_in(world: FakeWorld) -> None:
    keeper = SessionKeeper(FakeAccounts(world, signed_in=False), evaluation=Evaluation(world))
    steps: list[str] = []
    await keeper.try_here(steps.append)
    assert steps == ["evaluation-starting", "evaluation-signing-in"]
    assert isinstance(now(keeper), Open)
    await keeper.close()


class EvaluationAccounts(FakeAccounts):
    """Its account belongs to the evaluation organisation."""

    async def accounts(self) -> tuple[Account, ...]:
        return tuple(self._belongs(account) for account in await super().accounts())

    @staticmethod
    def _belongs(account: Account) -> Account:
        return replace(account, server=replace(account.server, evaluation=True))


async def test_an_evaluation_account_wakes_its_backend(world: FakeWorld) -> None:
    evaluation = Evaluation(world)
    keeper = SessionKeeper(EvaluationAccounts(world), evaluation=evaluation)
    await keeper.start()
    await until(evaluation.started, lambda times: times == 1)
    await keeper.close()


async def test_an_evaluation_backend_that_fails_is_told(world: FakeWorld) -> None:
    keeper = SessionKeeper(EvaluationAccounts(world), evaluation=Evaluation(world, fails=True))
    await keeper.start()
    connection = await until(keeper.connection, lambda now: now.error is not None)
    assert isinstance(connection.error, EvaluationFailed)
    await keeper.close()


async def test_trying_it_without_the_backend_says_so(world: FakeWorld) -> None:
    keeper = SessionKeeper(FakeAccounts(world, signed_in=False))
    assert not keeper.can_try_here
    with pytest.raises(EvaluationFailed):
        await keeper.try_here(lambda _: None)


async def test_a_soft_logout_asks_for_the_password_and_goes_on(world: FakeWorld) -> None:
    keeper = SessionKeeper(FakeAccounts(world))
    await keeper.start()
    world.connection.set(Connection(Link.STOPPED, error=SignedOut()))
    assert password_wanted(keeper)
    with pytest.raises(WrongPassword):
        await keeper.sign_in_again("wrong")
    await keeper.sign_in_again(world.password)
    await until(keeper.connection, lambda connection: connection.link is Link.LIVE)
    assert password_wanted(keeper) is False
    await keeper.close()


async def test_the_connection_follows_the_session(world: FakeWorld) -> None:
    keeper = SessionKeeper(FakeAccounts(world))
    await keeper.start()
    world.connection.set(Connection(Link.OFFLINE, retry_at=3.0))
    assert link(keeper) is Link.OFFLINE
    await keeper.retry_now()
    assert link(keeper) is Link.LIVE
    await keeper.close()


async def test_damage_found_after_the_kept_list_was_shown_ends_the_session(world: FakeWorld) -> None:
    keeper = SessionKeeper(FakeAccounts(world))
    await keeper.start()
    opened = keeper.state.value
    assert isinstance(opened, Open)
    world.connection.set(Connection(Link.STOPPED, error=StoreDamaged(path="store.db.damaged")))
    ended = await until(keeper.state, lambda state: isinstance(state, NoAccount))
    assert isinstance(ended, NoAccount)
    assert isinstance(ended.why, StoreDamaged)
    assert opened.scope.closed
    await keeper.close()


async def test_secrets_in_a_file_are_a_choice_of_the_person(world: FakeWorld) -> None:
    chosen: list[bool] = []
    keeper = SessionKeeper(FakeAccounts(world), keep_secrets_in_file=lambda: chosen.append(True))
    assert keeper.can_keep_secrets_in_file
    keeper.keep_secrets_in_file()
    assert chosen == [True]


def test_the_device_has_a_name_that_people_understand() -> None:
    assert device_name().startswith("WeLink Desktop (")
