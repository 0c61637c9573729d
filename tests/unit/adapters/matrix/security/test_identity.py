"""The account's identity at the server: made once, replaced on the person's word, signatures that wait for the line."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.adapters.matrix.test_encryption import ALICE, BOB, ROOM, Device, World, until
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.errors import matrix_error
from welink_desktop.adapters.matrix.security import identity as module
from welink_desktop.adapters.matrix.security.identity import IdentityDriver
from welink_desktop.adapters.matrix.security.uia import Interactive
from welink_desktop.core.errors import IdentityChanged, NotAllowed, Offline, PasswordNeeded, ServerFault, WrongPassword
from welink_desktop.core.ids import DeviceId, UserId
from welink_desktop.core.security import PersonTrust


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    for device in made.all:
        await device.die()


def driver(device: Device) -> IdentityDriver:
    line = device.line
    interactive = Interactive(line, "https://x", device.user)
    made = IdentityDriver(device.encryption, line, interactive, user=device.user, device=device.name, scope=device.scope)
    made.start()
    return made


def trust(device: Device, user: UserId) -> PersonTrust:
    return device.encryption.identities.trust_of(user)


def signed(encryption: Encryption, user: UserId) -> dict[str, bool]:
    return {device.device: device.owner_signed for device in encryption.devices_of(user)}


async def test_the_first_device_makes_an_identity_without_a_question(world: World) -> None:
    alice = await world.device(ALICE)
    assert await driver(alice).ensure()
    own = alice.encryption.identities.own()
    assert own is not None
    assert own.verified
    await alice.encryption.refresh_devices(ALICE)
    assert signed(alice.encryption, ALICE) == {"A": True}
    assert not await driver(alice).ensure(), "there is one"
    assert world.server.uploaded_identities == 1


async def test_the_second_device_leaves_it_alone(world: World) -> None:
    first, second = await world.device(ALICE), await world.device(ALICE, name="B")
    await driver(first).ensure()
    assert not await driver(second).ensure()
    assert world.server.uploaded_identities == 1
    own = second.encryption.identities.own()
    assert own is not None
    assert not own.verified
    with second.encryption.change():
        second.encryption.identities.take_secrets(first.encryption.identities.secrets())
    assert not await driver(second).ensure()
    await second.encryption.refresh_devices(ALICE)
    assert signed(second.encryption, ALICE) == {"A": True, "B": True}, "now it could sign itself"


async def test_a_vanished_identity_is_never_made_again_by_itself(world: World) -> None:
    first = await world.device(ALICE)
    await driver(first).ensure()
    second = await world.device(ALICE, name="B")
    await second.encryption.refresh_devices(ALICE)
    world.server.identities.clear()
    assert not await driver(second).ensure()
    assert not await driver(first).ensure()
    assert world.server.uploaded_identities == 1


async def test_without_a_line_nothing_is_made(world: World) -> None:
    alice = await world.device(ALICE)
    alice.line.fail = Offline("test")
    with pytest.raises(Offline):
        await driver(alice).ensure()
    assert alice.encryption.identities.own() is None
    alice.line.fail = None
    assert await driver(alice).ensure()


async def test_before_our_keys_are_there_nothing_can_be_signed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    alice = await world.device(ALICE, start=False)
    with pytest.raises(Offline):
        await driver(alice).ensure()


async def test_of_two_devices_at_once_one_makes_it(world: World) -> None:
    """The second one's upload meets the first one's identity: nobody is asked for a password."""
    first, second = await world.device(ALICE), await world.device(ALICE, name="B")
    second.line.hold = {"keys/device_signing"}
    second.line.open.clear()
    waiting = second.scope.spawn(driver(second).ensure(), name="ensure")
    await until(lambda: second.encryption.identities._store.identity_secrets(pending=True))
    assert await driver(first).ensure()
    second.line.open.set()
    assert not await waiting
    assert second.encryption.identities._store.identity_secrets(pending=True) == {}
    assert world.server.uploaded_identities == 1


async def test_a_server_that_wants_the_password_at_once_gets_it(world: World) -> None:
    """It has an identity of ours that it does not show, or asks always."""
    alice = await world.device(ALICE)
    world.server.identities[ALICE] = {
        "master_key": {"keys": {}},
        "self_signing_key": {"keys": {}},
        "user_signing_key": {"keys": {}},
    }
    with pytest.raises(PasswordNeeded):
        await driver(alice).ensure()
    with pytest.raises(WrongPassword):
        await driver(alice).ensure("wrong")
    assert alice.encryption.identities.own() is None
    assert await driver(alice).ensure(world.server.password)


async def test_starting_over_needs_the_password_and_makes_another_identity(world: World) -> None:
    alice = await world.device(ALICE)
    doing = driver(alice)
    await doing.ensure()
    old = alice.encryption.identities.own()
    with pytest.raises(PasswordNeeded):
        await doing.replace()
    with pytest.raises(WrongPassword):
        await doing.replace("wrong")
    assert alice.encryption.identities.own() == old
    await doing.replace(world.server.password)
    new = alice.encryption.identities.own()
    assert new is not None
    assert old is not None
    assert new.master != old.master
    assert new.verified
    await alice.encryption.refresh_devices(ALICE)
    assert signed(alice.encryption, ALICE) == {"A": True}


async def test_an_answer_that_got_lost_is_no_harm(world: World) -> None:
    alice = await world.device(ALICE)
    doing = driver(alice)
    alice.line.lose_answers = 0
    await alice.encryption.refresh_devices(ALICE)
    with alice.encryption.change():
        body = alice.encryption.identities.create()
    world.server.upload_identity(ALICE, body)
    assert not await doing.ensure(), "it is there already"
    own = alice.encryption.identities.own()
    assert own is not None
    assert own.verified


async def test_signatures_wait_for_the_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.001)
    alice, bob = await world.device(ALICE), await world.device(BOB)
    await driver(bob).ensure()
    doing = driver(alice)
    await doing.ensure()
    await alice.encryption.refresh_devices(BOB)
    alice.line.fail = Offline("test")
    with alice.encryption.change():
        master = alice.encryption.identities.master_of(BOB)
        assert master is not None
        body = alice.encryption.identities.sign_user(BOB, master)
    assert body is not None
    await doing.upload_signatures(body)
    assert ALICE not in world.server.identities[BOB]["master_key"]["signatures"]
    alice.line.fail = None
    await until(lambda: ALICE in world.server.identities[BOB]["master_key"]["signatures"])
    await until(lambda: not alice.encryption.identities.kept_signatures())


async def test_signatures_of_the_last_time_are_brought_there(world: World) -> None:
    alice = await world.device(ALICE)
    await driver(alice).ensure()
    del world.server.devices[ALICE]["A"]["signatures"][ALICE][
        next(iter(set(world.server.devices[ALICE]["A"]["signatures"][ALICE]) - {"ed25519:A"}))
    ]
    await alice.encryption.refresh_devices(ALICE)
    assert signed(alice.encryption, ALICE) == {"A": False}
    with alice.encryption.change():
        body = alice.encryption.identities.sign_own_device(DeviceId("A"))
        assert body is not None
        alice.encryption.identities.keep_signatures(body)
    driver(alice)
    await until(lambda: len(world.server.devices[ALICE]["A"]["signatures"][ALICE]) == 2)


async def test_a_refused_signature_is_told_and_dropped(world: World, caplog: pytest.LogCaptureFixture) -> None:
    alice = await world.device(ALICE)
    doing = driver(alice)
    await doing.ensure()
    with pytest.raises(ServerFault):
        await doing.upload_signatures({ALICE: {"A": {"not": "our device", "signatures": {ALICE: {}}}}})
    assert "signature refused" in caplog.text
    assert not alice.encryption.identities.kept_signatures()


async def test_a_body_the_server_never_takes_is_dropped(world: World, caplog: pytest.LogCaptureFixture) -> None:
    alice = await world.device(ALICE)
    doing = driver(alice)
    alice.line.fail = matrix_error(400, {"errcode": "M_BAD_JSON"})
    with pytest.raises(ServerFault):
        await doing.upload_signatures({ALICE: {}})
    alice.line.fail = None
    assert not alice.encryption.identities.kept_signatures()


# People


async def test_a_person_is_watched(world: World) -> None:
    alice, bob = await world.device(ALICE), await world.device(BOB)
    doing = driver(alice)
    await doing.ensure()
    seen: list[PersonTrust] = []
    cancel = doing.watch_person(BOB, seen.append)
    await driver(bob).ensure()
    alice.sync()
    await until(lambda: seen[-1:] == [PersonTrust.SEEN])
    assert seen[0] is PersonTrust.NONE
    with alice.encryption.change():
        master = alice.encryption.identities.master_of(BOB)
        assert master is not None
        body = alice.encryption.identities.sign_user(BOB, master)
    assert body is not None
    assert seen[-1] is PersonTrust.VERIFIED
    await doing.upload_signatures(body)
    await driver(bob).replace(world.server.password)
    alice.sync()
    await until(lambda: PersonTrust.BROKEN in seen)
    cancel()
    cancel()
    with alice.encryption.change():
        alice.encryption.identities.accept(BOB)
    assert seen[-1:] == [PersonTrust.BROKEN]


async def test_nothing_is_sent_to_somebody_else_than_the_verified_person(world: World) -> None:
    alice, bob = await world.device(ALICE), await world.device(BOB)
    doing, theirs = driver(alice), driver(bob)
    await doing.ensure()
    await theirs.ensure()
    await alice.send("one", "$1")
    with alice.encryption.change():
        master = alice.encryption.identities.master_of(BOB)
        assert master is not None
        assert alice.encryption.identities.sign_user(BOB, master) is not None
    await alice.send("two", "$2")
    await theirs.replace(world.server.password)
    alice.sync()
    for _ in range(2):
        with pytest.raises(IdentityChanged) as caught:
            await alice.encryption.prepare_to_send(ROOM)
        assert caught.value.args_for_text == {"name": BOB}
    with alice.encryption.change():
        alice.encryption.identities.accept(BOB)
    event = await alice.send("three", "$3")
    bob.sync()
    assert bob.text(event) == "three"


async def test_the_policy_holds_for_call_keys_too(world: World) -> None:
    alice, bob = await world.device(ALICE), await world.device(BOB)
    wanted = {BOB: {bob.name: {"k": 1}}}
    alice.encryption.require_signed_devices(True)
    assert await alice.encryption.send_to_device_encrypted("io.element.call.encryption_keys", wanted) == set()
    assert await alice.encryption.send_to_device_encrypted("m.key.verification.request", wanted) == {(BOB, bob.name)}
    await driver(bob).ensure()
    alice.sync()
    assert await alice.encryption.send_to_device_encrypted("io.element.call.encryption_keys", wanted) == {(BOB, bob.name)}
    assert alice.encryption.identities.only_signed


async def test_an_account_that_may_not_make_one_says_so(world: World) -> None:
    alice = await world.device(ALICE)
    await alice.encryption.refresh_devices(ALICE)
    challenge = {"session": "S", "flows": [{"stages": ["m.login.recaptcha"]}]}

    async def request(*args: object, **kwargs: object) -> dict[str, object]:
        raise matrix_error(401, challenge)

    class Line:
        pass

    Line.request = staticmethod(request)  # type: ignore[attr-defined]  # the smallest server that asks for something unknown
    interactive = Interactive(Line(), "https://x", ALICE)  # type: ignore[arg-type]  # as above
    doing = IdentityDriver(alice.encryption, alice.line, interactive, user=ALICE, device=alice.name, scope=alice.scope)
    with pytest.raises(NotAllowed):
        await doing.ensure()
