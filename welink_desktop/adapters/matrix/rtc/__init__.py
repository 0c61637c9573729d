"""MatrixRTC of one account: membership of calls, media keys, transports, admission to the SFU.

`membership`, `keys` and `key_events` are pure. `keeper` keeps a membership alive, `session` is one call of ours, `signalling`
implements the port. What is needed of the rest of the engine stands as Protocols in `seams`. Imports core only.
"""
