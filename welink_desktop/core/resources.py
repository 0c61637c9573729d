"""Finds the files of `resources/`: beside the package in a checkout, inside it in a wheel or bundle."""

from functools import cache
from pathlib import Path


@cache
def resource_root() -> Path:
    """The folder with tokens, icons, fonts, i18n … Raises `FileNotFoundError` in a broken installation."""
    package = Path(__file__).resolve().parent.parent
    for place in (package / "resources", package.parent / "resources"):
        if (place / "tokens" / "tokens.json").is_file():
            return place
    raise FileNotFoundError("the installation has no resources folder")


def resource(*parts: str) -> Path:
    """Path of one resource: `resource("icons", "mic.svg")`. Does not check that it exists."""
    return resource_root().joinpath(*parts)
