"""Where tokens and store keys lie: the OS keyring, or a file that a person chose on purpose.

May import core and `keyring`; built by the composition root, called by the engine off the UI loop.
"""

from welink_desktop.adapters.keyring.file import FileSecrets
from welink_desktop.adapters.keyring.memory import MemorySecrets
from welink_desktop.adapters.keyring.system import KeyringSecrets

__all__ = ["FileSecrets", "KeyringSecrets", "MemorySecrets"]
