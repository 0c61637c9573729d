"""One package per outside thing; the only importers of SDKs and sockets. May import core and their own SDK, never each other."""
