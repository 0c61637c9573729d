"""Where tokens and store keys lie: the OS keyring, or a file that a person chose on purpose.

May import core and `keyring`; built by the composition root, called by the engine off the UI loop. The package itself loads
nothing: the keyring library is only loaded where it is used.
"""
