"""Settings of a profile (TOML) and rules of the organisation (JSON in the system's policy folder).

May import core and `tomlkit`; built by the composition root.
"""

from welink_desktop.adapters.settings.policies import Policies, read_policies, system_policy_folder
from welink_desktop.adapters.settings.toml_store import TomlSettings

__all__ = ["Policies", "TomlSettings", "read_policies", "system_policy_folder"]
