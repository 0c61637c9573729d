"""Drives identity, recovery, key backup, verification and healing of encryption: requests, storage and tasks around `crypto`.

May import `core`, `crypto`, `store` and the engine's line and encryption. `facade` implements the port `Security`.
"""
