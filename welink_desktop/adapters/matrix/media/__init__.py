"""Attachments and avatars: authenticated download, cache encrypted at rest, decoding handed to the picture helper.

`library.MediaLibrary` implements `core.ports.media.MediaStore`; `cache` keeps files; called by the client of one account.
"""
