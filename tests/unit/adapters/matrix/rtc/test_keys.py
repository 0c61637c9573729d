"""When our media key changes and who gets it."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.adapters.matrix.rtc.keys import Holder, KeyRollout, Policy, Share, Step, Use
from welink_desktop.core.ids import DeviceId, UserId


def holder(name: str, since_ms: int = 1) -> Holder:
    return Holder(UserId(f"@{name}:example.org"), DeviceId("D"), since_ms)


ANN, BOB, CAT = holder("ann"), holder("bob"), holder("cat")
EVERYBODY = {ANN.user, BOB.user, CAT.user}


def rollout(policy: Policy | None = None) -> KeyRollout:
    numbers = itertools.count()
    return KeyRollout(random=lambda: next(numbers).to_bytes(16, "big"), policy=policy or Policy())


def share_of(steps: tuple[Step, ...]) -> Share:
    return next(step for step in steps if isinstance(step, Share))


def uses(steps: tuple[Step, ...]) -> list[int]:
    return [step.key.index for step in steps if isinstance(step, Use)]


def give(keys: KeyRollout, now: float, *present: Holder) -> tuple[Step, ...]:
    """A change of members whose roll-out succeeds at once."""
    steps = keys.members(now, present, EVERYBODY)
    for step in steps:
        if isinstance(step, Share):
            keys.shared(now, [one.place for one in step.recipients])
    return steps


def test_the_first_key_is_used_at_once_and_given_to_all_present() -> None:
    keys = rollout()
    steps = give(keys, 0, ANN, BOB)
    assert uses(steps) == [0]
    assert share_of(steps).recipients == (ANN, BOB)
    assert keys.deadline() is None


def test_a_joiner_gets_a_young_key_as_it_is() -> None:
    keys = rollout()
    give(keys, 0, ANN)
    steps = give(keys, 9.9, ANN, BOB)
    assert share_of(steps).recipients == (BOB,)
    assert share_of(steps).key.index == 0
    assert uses(steps) == []


def test_a_joiner_makes_an_old_key_rotate_for_everybody_after_three_seconds() -> None:
    keys = rollout()
    give(keys, 0, ANN)
    steps = give(keys, 10, ANN, BOB)
    assert share_of(steps).recipients == (ANN, BOB)
    assert share_of(steps).key.index == 1
    assert uses(steps) == []
    assert keys.deadline() == 13
    assert uses(keys.due(12.9)) == []
    assert uses(keys.due(13)) == [1]


def test_a_rotation_nobody_waits_for_is_used_at_once() -> None:
    keys = rollout()
    give(keys, 0)
    steps = give(keys, 30, ANN)
    assert uses(steps) == [1]
    assert share_of(steps).recipients == (ANN,)


def test_somebody_gone_means_a_new_key_for_all_who_remain() -> None:
    keys = rollout()
    give(keys, 0, ANN, BOB, CAT)
    steps = give(keys, 1, ANN, CAT)
    assert share_of(steps).key.index == 1
    assert share_of(steps).recipients == (ANN, CAT)


def test_keys_of_quick_changes_are_used_in_order_each_at_its_time() -> None:
    keys = rollout()
    give(keys, 0, ANN, BOB, CAT)
    give(keys, 1, ANN, CAT)
    give(keys, 2, ANN)
    assert uses(keys.due(4)) == [1]
    assert uses(keys.due(5)) == [2]


def test_a_rejoin_is_a_joiner_not_a_leaver() -> None:
    keys = rollout()
    give(keys, 0, ANN, BOB)
    again = holder("bob", since_ms=2)
    steps = give(keys, 5, ANN, again)
    assert share_of(steps).recipients == (again,)
    assert share_of(steps).key.index == 0


def test_changes_during_a_rollout_collapse_into_one_more() -> None:
    keys = rollout()
    first = share_of(keys.members(0, [ANN], EVERYBODY))
    assert keys.members(1, [ANN, BOB], EVERYBODY) == ()
    assert keys.members(2, [ANN, BOB, CAT], EVERYBODY) == ()
    steps = keys.shared(3, [one.place for one in first.recipients])
    assert share_of(steps).recipients == (BOB, CAT)


def test_who_was_not_reached_is_tried_again_with_the_same_key_and_growing_pauses() -> None:
    keys = rollout()
    share_of(keys.members(0, [ANN, BOB], EVERYBODY))
    assert keys.shared(0, [ANN.place]) == ()
    assert keys.deadline() == 2
    steps = keys.due(2)
    assert share_of(steps).recipients == (BOB,)
    assert share_of(steps).key.index == 0
    keys.shared(2, [])
    assert keys.deadline() == 6
    assert share_of(keys.due(60)).key.index == 0


def test_whom_we_tried_to_reach_counts_as_having_the_key() -> None:
    keys = rollout()
    keys.members(0, [ANN, BOB], EVERYBODY)
    keys.shared(0, [])
    assert share_of(keys.members(1, [ANN], EVERYBODY)).key.index == 1


def test_voluntary_leaves_of_a_large_call_are_collected_a_removal_is_not() -> None:
    crowd = [holder(f"p{number}") for number in range(60)]
    room = {one.user for one in crowd}

    def crowded() -> KeyRollout:
        keys = rollout()
        keys.members(0, crowd, room)
        keys.shared(0, [one.place for one in crowd])
        return keys

    keys = crowded()
    assert keys.members(1, crowd[1:], room) == ()
    assert keys.members(5, crowd[3:], room) == ()
    assert keys.deadline() == 11
    steps = keys.due(11)
    assert share_of(steps).key.index == 1
    assert len(share_of(steps).recipients) == 57
    removed = crowded().members(1, crowd[1:], room - {crowd[0].user})
    assert share_of(removed).key.index == 1


def test_the_index_wraps_after_254() -> None:
    keys = rollout()
    give(keys, 0, ANN)
    seen = []
    for number in range(1, 256):
        now = number * 20.0
        keys.due(now)
        seen += [step.key.index for step in give(keys, now, ANN, holder("bob", since_ms=number)) if isinstance(step, Share)]
    assert max(seen) == 254
    assert seen[-1] == 0


def test_resending_gives_everybody_the_current_key() -> None:
    keys = rollout()
    give(keys, 0, ANN, BOB)
    steps = keys.resend(5)
    assert share_of(steps).recipients == (ANN, BOB)
    assert share_of(steps).key.index == 0


def test_no_secret_in_a_representation() -> None:
    keys = KeyRollout(random=lambda: b"sixteen secrets!")
    steps = keys.members(0, [ANN], EVERYBODY)
    assert "secrets" not in f"{keys!r}{steps!r}"


events = st.lists(st.tuples(st.floats(0.1, 8), st.sets(st.integers(0, 5)), st.booleans()), max_size=30)


@given(events)
def test_who_left_never_knows_the_key_in_use_longer_than_the_delay(story: list[tuple[float, set[int], bool]]) -> None:
    """After the last change and the delay, the key in use is known to exactly those who were offered it and are present."""
    crowd = [holder(f"p{number}") for number in range(6)]
    room = {one.user for one in crowd}
    keys = rollout()
    offered: dict[int, set[Holder]] = {}
    in_use: list[int] = []
    now = 0.0
    stack: list[Step] = []

    def run(steps: tuple[Step, ...]) -> None:
        stack.extend(steps)
        while stack:
            step = stack.pop(0)
            if isinstance(step, Use):
                in_use.append(step.key.index)
                offered.setdefault(step.key.index, set())
            else:
                offered.setdefault(step.key.index, set()).update(step.recipients)
                stack.extend(keys.shared(now, [one.place for one in step.recipients]))

    present: set[Holder] = set()
    for pause, who, tick in story:
        now += pause
        present = {crowd[number] for number in who}
        if tick:
            run(keys.due(now))
        run(keys.members(now, sorted(present, key=lambda one: one.user), room))
    now += 3.1
    run(keys.due(now))
    if in_use:
        assert offered[in_use[-1]] <= present or not present
        assert present <= offered[in_use[-1]]
