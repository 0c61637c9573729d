"""Messages as a small tree of our own, laid out and painted line by line. Imports core and ui only; used by feature views.

`parse.py`, `links.py`, `bidi.py`, `emoji.py` and `tree.py` are Qt-free; `layout.py` turns a tree into painted lines.
"""
