"""Verifications between real engines over the real homeserver: own devices, people in a room, and what goes wrong."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.engine import TimelineSeen, until
from tests.support.servers import TestSynapse
from tests.support.verifiers import Verifier, verifiers
from welink_desktop.core.errors import NotFound
from welink_desktop.core.ids import RoomId, UserId, server_name_of
from welink_desktop.core.security import PersonTrust, VerificationEnd, VerificationPhase
from welink_desktop.core.timeline import NoticeContent

Phase = VerificationPhase


@pytest.fixture
async def own(synapse: TestSynapse, tmp_path: Path) -> AsyncIterator[list[Verifier]]:
    """The device that made the identity, and a new one."""
    account = synapse.register("lin")
    async with verifiers(synapse, tmp_path, account, account) as made:
        assert made[0].own_trusted() and not made[1].own_trusted()
        yield made


@pytest.fixture
async def people(synapse: TestSynapse, tmp_path: Path) -> AsyncIterator[list[Verifier]]:
    async with verifiers(synapse, tmp_path, synapse.register("lin"), synapse.register("mei")) as made:
        yield made


async def ask_person(asker: Verifier, asked: Verifier) -> RoomId:
    """`asker` asks in the direct chat, which `asked` joins; returns the room."""
    room = await asker.session.chat.direct_room(asked.user)
    await asked.join(room)
    await asker.security.verify_person(asked.user)
    return room


async def compare(first: Verifier, second: Verifier) -> None:
    """Accepted by `second`, begun by `first`, the same seen and said by both."""
    await second.accept()
    ready = await first.wait(Phase.READY)
    assert ready.device == second.device
    await first.security.compare(ready.flow)
    seen = [(await one.wait(Phase.COMPARING)) for one in (first, second)]
    assert seen[0].emoji == seen[1].emoji and seen[0].decimals == seen[1].decimals
    for one in (first, second):
        await one.security.decide(one.current.flow, True)
    for one in (first, second):
        await one.wait(Phase.DONE)


def assert_own_devices_trust(first: Verifier, second: Verifier) -> None:
    assert first.own_trusted() and second.own_trusted()
    assert first.device_trusted(second) and second.device_trusted(first)


@pytest.mark.parametrize("asker", [0, 1])
async def test_own_devices_by_emoji(own: list[Verifier], asker: int) -> None:
    first, second = own[asker], own[1 - asker]
    await first.security.verify_device()
    assert (await second.wait(Phase.REQUESTED)).own
    await compare(first, second)
    await until(lambda: first.device_trusted(second) and second.device_trusted(first))
    assert_own_devices_trust(first, second)
    server = await second.session._around.http.request(
        "POST", ("_matrix", "client", "v3", "keys", "query"), json={"device_keys": {second.user: []}}
    )
    signatures = server["device_keys"][own[1].user][own[1].device]["signatures"][own[1].user]
    assert len(signatures) == 2, "by the device and by the identity"


@pytest.mark.parametrize("shower", [0, 1])
async def test_own_devices_by_code(own: list[Verifier], shower: int) -> None:
    showing, scanning = own[shower], own[1 - shower]
    await own[1].security.verify_device(own[0].device)
    await own[0].accept()
    code = (await showing.wait(Phase.READY)).code
    assert code
    await scanning.wait(Phase.READY, lambda shown: shown.may_scan)
    await scanning.security.scan(scanning.current.flow, code)
    scanned = await showing.wait(Phase.SCANNED)
    await showing.security.decide(scanned.flow, True)
    for one in own:
        await one.wait(Phase.DONE)
    await until(lambda: own[0].device_trusted(own[1]) and own[1].device_trusted(own[0]))
    assert_own_devices_trust(*own)


@pytest.mark.parametrize("way", ["emoji", "code"])
async def test_two_people_in_an_encrypted_room(people: list[Verifier], way: str) -> None:
    lin, mei = people
    room = await ask_person(lin, mei)
    request = await mei.wait(Phase.REQUESTED)
    assert (request.user, request.room, request.own, request.incoming) == (lin.user, room, False, True)
    if way == "emoji":
        await compare(lin, mei)
    else:
        await mei.security.accept(request.flow)
        code = (await lin.wait(Phase.READY)).code
        await mei.security.scan((await mei.wait(Phase.READY)).flow, code)
        await lin.security.decide((await lin.wait(Phase.SCANNED)).flow, True)
        for one in people:
            await one.wait(Phase.DONE)
    assert lin.trust(mei.user) is mei.trust(lin.user) is PersonTrust.VERIFIED
    assert lin.device_trusted(mei) and mei.device_trusted(lin)


async def test_a_room_shows_the_request_in_words_and_nothing_else_of_it(people: list[Verifier]) -> None:
    lin, mei = people
    room = await ask_person(lin, mei)
    await compare(lin, mei)
    for one in people:
        seen = TimelineSeen(await one.session.chat.open_timeline(room))
        await until(lambda seen=seen: seen.items)  # type: ignore[misc]  # the default binds the loop's value
        notices = [item.content.text.key for item in seen.items if isinstance(item.content, NoticeContent)]
        assert notices.count("notice-verification") == 1
        assert all(isinstance(item.content, NoticeContent) for item in seen.items)
        seen.cancel()
        await seen.timeline.close()


async def test_different_emoji_end_it_on_both_sides(own: list[Verifier]) -> None:
    new, old = own[1], own[0]
    await new.security.verify_device()
    await old.accept()
    await old.security.compare((await old.wait(Phase.READY)).flow)
    await new.wait(Phase.COMPARING)
    await old.wait(Phase.COMPARING)
    await new.security.decide(new.current.flow, False)
    for one in own:
        assert (await one.wait(Phase.ENDED)).end is VerificationEnd.MISMATCH
    assert not new.own_trusted()
    await old.security.dismiss(old.current.flow)
    assert old.shown == ()


@pytest.mark.parametrize("who", ["asker", "asked"])
async def test_cancelled_by_either_side(own: list[Verifier], who: str) -> None:
    old, new = own
    await new.security.verify_device()
    await old.wait(Phase.REQUESTED)
    one = new if who == "asker" else old
    await one.security.cancel(one.current.flow)
    ends = [(await side.wait(Phase.ENDED)).end for side in own]
    assert ends == [VerificationEnd.DECLINED if who == "asked" else VerificationEnd.CANCELLED] * 2


async def test_after_ten_minutes_it_is_over(own: list[Verifier]) -> None:
    old, new = own
    await new.security.verify_device()
    await old.accept()
    await new.wait(Phase.READY)
    new.clock.ahead = 599.0
    new.security.verifications.tick()
    assert new.current.phase is Phase.READY
    new.clock.ahead = 601.0
    new.security.verifications.tick()
    assert (await new.wait(Phase.ENDED)).end is VerificationEnd.TIMEOUT
    assert (await old.wait(Phase.ENDED)).end is VerificationEnd.TIMEOUT


async def test_nobody_to_ask(people: list[Verifier]) -> None:
    lin, mei = people
    with pytest.raises(NotFound):
        await lin.security.verify_device()
    with pytest.raises(NotFound):
        await lin.security.verify_device(mei.device)
    with pytest.raises(NotFound):
        await lin.security.verify_person(UserId(f"@nobody:{server_name_of(lin.user)}"))


async def test_an_identity_made_anew_in_the_middle_ends_it(people: list[Verifier], synapse: TestSynapse) -> None:
    lin, mei = people
    await ask_person(lin, mei)
    await mei.accept()
    await lin.security.compare((await lin.wait(Phase.READY)).flow)
    await lin.wait(Phase.COMPARING)
    await mei.wait(Phase.COMPARING)
    await mei.replace_identity()
    assert (await lin.wait(Phase.ENDED)).end is VerificationEnd.KEYS_CHANGED
    assert (await mei.wait(Phase.ENDED)).end is VerificationEnd.KEYS_CHANGED
    assert lin.trust(mei.user) is PersonTrust.CHANGED


async def test_whoever_was_verified_and_changed_can_be_verified_again(people: list[Verifier]) -> None:
    lin, mei = people
    await ask_person(lin, mei)
    await compare(lin, mei)
    await mei.replace_identity()
    await until(lambda: lin.trust(mei.user) is PersonTrust.BROKEN)
    await lin.security.verify_person(mei.user)
    await compare(lin, mei)
    assert lin.trust(mei.user) is mei.trust(lin.user) is PersonTrust.VERIFIED
