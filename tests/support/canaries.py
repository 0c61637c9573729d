"""Secrets with names, and the search for them in every byte below some folders, in every form in which they may lie there."""

import base64
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True, slots=True, repr=False)
class Canary:
    """`what` says where it was put."""

    what: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Canary({self.what})"

    @classmethod
    def text(cls, what: str, secret: str) -> "Canary":
        return cls(what, secret.encode())

    def forms(self) -> dict[str, bytes]:
        """Ways to write it down."""
        forms = {"as it is": self.secret, "hex": self.secret.hex().encode(), "HEX": self.secret.hex().upper().encode()}
        for shift in range(3):
            for alphabet, made in (("base64", base64.b64encode), ("urlsafe base64", base64.urlsafe_b64encode)):
                forms[f"{alphabet} {shift}"] = _inner(made(bytes(shift) + self.secret), shift, len(self.secret))
        try:
            words = self.secret.decode()
        except UnicodeDecodeError:
            return forms
        forms |= {"utf-16-le": words.encode("utf-16-le"), "utf-16-be": words.encode("utf-16-be")}
        forms["percent"] = quote(words, safe="").encode()
        forms["percent, every byte"] = "".join(f"%{byte:02X}" for byte in self.secret).encode()
        forms["JSON"] = words.encode("unicode_escape")
        return forms


def _inner(encoded: bytes, shift: int, length: int) -> bytes:
    """The characters that depend on the secret alone, whatever stands before and behind it."""
    first = -(-8 * shift // 6)
    last = 8 * (shift + length) // 6
    return encoded[first:last]


def found(canaries: list[Canary], *folders: Path) -> list[str]:
    """Every place where one of them lies: file contents and names."""
    forms = [(canary.what, name, form) for canary in canaries for name, form in canary.forms().items()]
    places = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            for content in (bytes(path.relative_to(folder)), _content(path)):
                places += [f"{what} ({name}) in {path.name}" for what, name, form in forms if form in content]
    return places


def open_to_others(*folders: Path) -> list[str]:
    """Files and folders whose mode is not 0600 or 0700."""
    places = []
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            mode = stat.S_IMODE(path.lstat().st_mode)
            if mode != (0o700 if path.is_dir() else 0o600) and not path.is_socket() and not path.is_symlink():
                places.append(f"{path.name} {mode:o}")
    return places


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""
    except FileNotFoundError:
        return b""
