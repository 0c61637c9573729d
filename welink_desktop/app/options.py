"""The command line, as one frozen record. No Qt here: `--version` answers without loading it."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from welink_desktop import __version__

NAME = "welink-desktop"


@dataclass(frozen=True, slots=True)
class Options:
    """`language` and `theme` are "" unless given: then the settings decide."""

    profile: Path
    sample: bool = False
    language: str = ""
    theme: str = ""
    evaluation: bool = False
    selftest: bool = False
    hidden: bool = False


def parse(arguments: Sequence[str]) -> Options:
    """Exits with 0 for `--version` and `--help`, with 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog=NAME, description="Encrypted chat, company directory and meetings.")
    parser.add_argument("--version", action="version", version=f"WeLink Desktop {__version__}")
    parser.add_argument("--selftest", action="store_true", help="check what the app needs on this computer; prints JSON")
    parser.add_argument("--profile-dir", type=Path, metavar="DIR", help="keep settings, accounts and logs in this folder")
    parser.add_argument("--sample", action="store_true", help="show the whole app with sample data, without a server")
    parser.add_argument("--evaluation", action="store_true", help="start the evaluation organisation and sign in to it")
    parser.add_argument("--lang", choices=("en", "zh-CN"), default="", help="language of this start")
    parser.add_argument("--theme", choices=("system", "light", "dark", "high-contrast"), default="", help="theme of this start")
    parser.add_argument("--hidden", action="store_true", help="start in the tray")
    given = parser.parse_args(arguments)
    profile = given.profile_dir or Path(platformdirs.user_data_dir(NAME, appauthor=False))
    return Options(
        profile=profile.expanduser().absolute(),
        sample=given.sample,
        language=given.lang,
        theme=given.theme,
        evaluation=given.evaluation,
        selftest=given.selftest,
        hidden=given.hidden,
    )
