"""Shared Qt: design, widgets, lists, text. May import core and PySide6; knows no feature. Called by views, app and gallery."""
