"""The encryption core: sans-IO, synchronous, without sockets and without SQL.

May import `core`, vodozemac and cryptography. Called by `adapters.matrix.encryption`, which wraps calls in store transactions
and carries requests to the homeserver. Every decision about keys and trust is a function in `trust.py`.

    >>> from welink_desktop.adapters.matrix.crypto.machine import CryptoMachine
    >>> from welink_desktop.adapters.matrix.crypto.memory import MemoryStore
    >>> from welink_desktop.adapters.matrix.crypto.records import RoomRules
    >>> from welink_desktop.core.clock import SystemClock
    >>> lin = CryptoMachine("@lin:x", "LAPTOP", MemoryStore(), bytes(32), SystemClock())
    >>> [type(request).__name__ for request in lin.pending_requests()]
    ['KeysUpload', 'KeysQuery']
    >>> lin.share_room_key(RoomRules("!ward", ("@lin:x",)))
    []
    >>> sealed = lin.encrypt("!ward", "m.room.message", {"body": "你好"})
    >>> lin.decrypt("!ward", {"event_id": "$1", "sender": "@lin:x", "content": sealed}).content
    {'body': '你好'}
"""
