"""A page of the meetings area: `model` is Qt-free, `view` renders it, `samples` are its named states."""
