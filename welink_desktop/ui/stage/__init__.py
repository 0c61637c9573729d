"""The meeting stage: one canvas, tile records, a raster renderer (architecture §8). Knows frames and tiles, no meeting.

`tiles.StageTile` says what to paint where, `plates` draws and caches what lies over a picture, `canvas.StageCanvas` is the
widget.
May import core and ui.design; used by the meeting pages, the lobby preview and the gallery.
"""
