"""Pictures of strangers, decoded in a process of their own. May import core; the helper program alone imports QtGui.

`client.PictureHelper` is handed to the engine by the composition root; `helper` is the program it starts.
"""
