"""Chat: room list, timeline, composer and details, joined by `model.py` and `view.py`.

The app builds one `ChatModel` per session and one `ChatPage` over it.
"""
