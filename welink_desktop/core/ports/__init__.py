"""Ports: what services ask of the outside world, as Protocols with contracts.

Common rules. Coroutines and `watch…` are called on one loop and answer on that loop (`adapters/engine_thread.py` hops when the
adapter lives elsewhere). A `watch…` calls its listener soon with the present state, then with every change, until the returned
`Cancel` is called; nothing is delivered after that. All records are frozen. Errors are `core.errors.WeLinkError`s.
"""
