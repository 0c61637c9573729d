"""The homeserver engine: one signed-in Matrix account per `client.MatrixSession`, behind the ports of `core.ports`.

May import core, httpx, truststore, vodozemac, cryptography, SQLCipher. Called through `adapters/engine_thread.py`.
Everything runs on one asyncio loop: the store is used synchronously in short transactions, nothing needs a lock.
"""
