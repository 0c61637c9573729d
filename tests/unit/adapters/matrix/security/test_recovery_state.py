"""The one state of encryption and what helps: the whole table."""

import itertools

import pytest

from welink_desktop.adapters.matrix.security.recovery_state import BackupFact, Facts, cures, recovery_state
from welink_desktop.core.security import Cure, RecoveryState

GOOD = {"checked": True, "identity": True, "signed": True, "stored": True, "secrets": True, "backup": BackupFact.OURS}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, RecoveryState.READY),
        ({"checked": False}, RecoveryState.CHECKING),
        ({"identity": False}, RecoveryState.NO_IDENTITY),
        ({"signed": False}, RecoveryState.UNVERIFIED),
        ({"signed": False, "replaced": True}, RecoveryState.IDENTITY_REPLACED),
        ({"signed": True, "replaced": True}, RecoveryState.READY),
        ({"backup": BackupFact.FOREIGN}, RecoveryState.SECRETS_MISSING),
        ({"backup": BackupFact.NONE}, RecoveryState.BACKUP_GONE),
        ({"stored": False}, RecoveryState.NOT_SET_UP),
        ({"stored": False, "backup": BackupFact.NONE}, RecoveryState.NOT_SET_UP),
        ({"stored": False, "secrets": False}, RecoveryState.SECRETS_MISSING),
        ({"secrets": False}, RecoveryState.READY),
    ],
)
def test_the_state_follows_from_the_facts(change: dict[str, object], state: RecoveryState) -> None:
    assert recovery_state(Facts(**{**GOOD, **change})) is state  # type: ignore[arg-type]  # a table of fields


def _all() -> list[Facts]:
    names = ("checked", "identity", "signed", "replaced", "stored", "helpers", "secrets", "old_key")
    flags = [dict(zip(names, values, strict=True)) for values in itertools.product((False, True), repeat=len(names))]
    return [Facts(**flag, backup=backup) for flag in flags for backup in BackupFact]


def test_whatever_is_wrong_has_a_cure_and_nothing_else_has_one() -> None:
    for facts in _all():
        quiet = recovery_state(facts) in (RecoveryState.READY, RecoveryState.CHECKING)
        assert bool(cures(facts)) is not quiet, facts


def test_only_what_can_help_is_offered() -> None:
    for facts in _all():
        offered = cures(facts)
        assert facts.stored or Cure.ENTER_RECOVERY_KEY not in offered, facts
        assert facts.helpers or Cure.CONFIRM_FROM_DEVICE not in offered, facts
        assert Cure.START_OVER not in offered[:-1], facts


def test_an_unsigned_device_is_never_ready() -> None:
    for facts in _all():
        assert facts.signed or recovery_state(facts) is not RecoveryState.READY, facts


def test_a_lost_backup_goes_on_under_the_same_recovery_key_only_if_its_key_is_here() -> None:
    lost = {**GOOD, "backup": BackupFact.NONE}
    assert cures(Facts(**lost, old_key=True)) == (Cure.TURN_ON_BACKUP,)  # type: ignore[arg-type]  # a table of fields
    assert cures(Facts(**lost)) == (Cure.TURN_ON_RECOVERY,)  # type: ignore[arg-type]  # a table of fields
