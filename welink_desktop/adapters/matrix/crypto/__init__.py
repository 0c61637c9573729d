"""The encryption core: sans-IO, synchronous, without sockets and without SQL.

May import `core`, vodozemac and cryptography. Called by `adapters.matrix.encryption` only.
"""
