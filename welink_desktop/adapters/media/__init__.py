"""The media process and its client: LiveKit, microphone, speaker, camera, screen.

`client`, `child`, `wire`, `arena` and `memory` run in the app and import core only; `process/` runs in the child and imports
the native libraries. Called by `app` (composition) and, for `process/` within their own processes, by `evaluation` and `bench`.
"""
