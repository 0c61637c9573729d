"""settings.toml: what a person chose, in a file that a person may edit."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from welink_desktop.adapters.durable import replace_file
from welink_desktop.adapters.settings.policies import Policies
from welink_desktop.adapters.settings.schema import build, flatten
from welink_desktop.core.errors import DiskFull
from welink_desktop.core.log import topic
from welink_desktop.core.settings import Settings

if TYPE_CHECKING:
    from tomlkit.toml_document import TOMLDocument

_log = topic("settings")


class TomlSettings:
    """Implements `core.ports.system.SettingsStore`. Precedence: forced rule, person, recommended rule, default.

    Unknown keys and comments survive saving. Forced and unchanged recommended values are never written into the file. A
    file that is no TOML is renamed to `settings.toml.broken-<seconds>` and defaults are used.
    """

    def __init__(self, path: Path, policies: Policies | None = None, *, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._policies = policies or Policies()
        self._now = now

    @property
    def forced(self) -> frozenset[str]:
        """Keys ("appearance.theme") that a rule of the organisation fixes: to be shown as locked."""
        return frozenset(self._policies.forced)

    def load(self) -> Settings:
        """Reads with the standard library: what keeps comments is only loaded for saving."""
        import tomllib

        try:
            return build(self._effective(_values(tomllib.loads(self._path.read_bytes().decode()))))
        except FileNotFoundError:
            pass
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
            self._keep_aside()
        except OSError:
            _log.warning("settings file cannot be read, defaults are used")
        return build(self._effective({}))

    def save(self, settings: Settings) -> None:
        import tomlkit

        document = self._document()
        before = flatten(build(self._effective(_values(document.unwrap()))))
        after = flatten(settings)
        for key in sorted(before.keys() | after.keys()):
            if key in self._policies.forced or before.get(key) == after.get(key):
                continue
            _put(document, key, after.get(key))
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(self._path, tomlkit.dumps(document).encode())
        except OSError as error:
            raise DiskFull from error

    def _effective(self, own: dict[str, object]) -> dict[str, object]:
        return {**self._policies.recommended, **own, **self._policies.forced}

    def _document(self) -> "TOMLDocument":
        import tomlkit
        from tomlkit.exceptions import ParseError, TOMLKitError

        try:
            return tomlkit.parse(self._path.read_bytes())
        except FileNotFoundError:
            return tomlkit.document()
        except (ParseError, TOMLKitError, UnicodeDecodeError, RecursionError):
            self._keep_aside()
        except OSError:
            _log.warning("settings file cannot be read, defaults are used")
        return tomlkit.document()

    def _keep_aside(self) -> None:
        _log.warning("settings file is broken, kept aside, defaults are used")
        aside = self._path.with_name(f"{self._path.name}.broken-{int(self._now())}")
        try:
            self._path.replace(aside)
        except OSError:
            _log.warning("broken settings file could not be renamed")


def _values(content: Mapping[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for section, table in content.items():
        if isinstance(table, dict):
            flat.update({f"{section}.{name}": value for name, value in table.items()})
    return flat


def _put(document: "TOMLDocument", key: str, value: object) -> None:
    import tomlkit
    from tomlkit.items import Table

    section, _, name = key.partition(".")
    table = document.get(section)
    if not isinstance(table, Table):
        table = tomlkit.table()
        document[section] = table
    if value is None:
        table.remove(name) if name in table else None
    else:
        table[name] = value
