"""The embedded evaluation backend: Synapse, LiveKit, the token service, a sample organisation and scripted colleagues.

May import anything below `app`; only the entry points import it. Everything listens on loopback and lives in
`PROFILE/evaluation/`. Its own small HTTP client speaks to the servers; the colleagues are run by our own engine.
"""
