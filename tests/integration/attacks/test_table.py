"""The table and the tests are the same sixty attacks."""

import re
from pathlib import Path

from tests.integration.attacks.table import ATTACKS

TEST = re.compile(r"^(?:async )?def test_(\d\d)_(\w+)\((.*)", re.MULTILINE)


def test_every_attack_has_its_test_and_every_test_its_attack() -> None:
    found = [match for file in sorted(Path(__file__).parent.glob("test_*.py")) for match in TEST.findall(file.read_text())]
    assert sorted(int(number) for number, _, _ in found) == list(range(1, 61))
    assert [attack.number for attack in ATTACKS] == list(range(1, 61))
    assert {int(number): name for number, name, _ in found} == {attack.number: attack.name for attack in ATTACKS}
    live = {int(number) for number, _, arguments in found if "synapse: TestSynapse" in arguments}
    assert live == {attack.number for attack in ATTACKS if not attack.lab}
    assert len(live) >= 35
    assert {attack.number for attack in ATTACKS if attack.weak_elsewhere} == {5, 29, 51, 55}
    assert all(attack.rule and attack.seen for attack in ATTACKS)
