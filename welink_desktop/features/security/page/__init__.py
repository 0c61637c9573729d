"""The security part of the settings: the state of recovery in one line, the devices of this account, one rule."""
