"""What runs in the media process: LiveKit, OpenCV, NumPy, sounddevice, mss live here and nowhere else.

May import core and `adapters.media.wire`/`arena`/`memory`. `session.SfuSession` also runs without a child, many per process,
for scripted colleagues and benches.
"""
