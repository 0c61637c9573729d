"""The desktop environment: notifications, badge, sleep guard, links. Each service may be missing; then nothing happens.

May import core, PySide6 and the system's own ways (D-Bus on Linux). Built by the composition root.
"""
