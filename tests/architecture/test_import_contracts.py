"""Each import contract bites: a planted violation in a copy of the tree breaks exactly the contract that forbids it."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# contract id: (package of the planted module, what it imports)
PLANTS = {
    "core": ("core", "import PySide6"),
    "services": ("services", "import welink_desktop.adapters.fake"),
    "adapters-up": ("adapters/matrix", "import welink_desktop.services"),
    "adapters-apart": ("adapters/matrix", "import welink_desktop.adapters.fake"),
    "crypto-sans-io": ("adapters/matrix/crypto", "import asyncio"),
    "ui": ("ui", "import welink_desktop.features"),
    "features-down": ("features/settings", "import welink_desktop.adapters.fake"),
    "features-apart": ("features/settings", "import welink_desktop.features.sign_in"),
    "qt": ("services", "import PySide6"),
    "native-media": ("ui", "import numpy"),
    "homeserver": ("ui", "import httpx"),
    "tools-on-top": ("ui", "import welink_desktop.evaluation"),
}


def contracts() -> dict[str, str]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["id"]: contract["name"] for contract in config["tool"]["importlinter"]["contracts"]}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says about a copy of the tree with one bad import per contract."""
    copy = tmp_path_factory.mktemp("planted")
    shutil.copy(ROOT / "pyproject.toml", copy)
    shutil.copytree(ROOT / "welink_desktop", copy / "welink_desktop", ignore=shutil.ignore_patterns("__pycache__", "resources"))
    for contract, (package, line) in PLANTS.items():
        name = contract.replace("-", "_")
        (copy / "welink_desktop" / package / f"planted_{name}.py").write_text(line + "\n", encoding="utf-8")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode != 0, done.stdout
    return done.stdout


def test_every_contract_has_a_planted_violation() -> None:
    assert set(PLANTS) == set(contracts())


@pytest.mark.parametrize("contract", PLANTS)
def test_the_contract_bites(report: str, contract: str) -> None:
    title = contracts()[contract]
    assert re.search(rf"^{re.escape(title)} BROKEN", report, re.MULTILINE), report
    _, _, details = report.partition("Broken contracts")
    section = details.partition(f"\n{title}\n")[2]
    following = [section.find(f"\n{other}\n") for other in contracts().values() if other != title]
    end = min((at for at in following if at >= 0), default=len(section))
    assert f"planted_{contract.replace('-', '_')}" in section[:end]
