"""The persisted send queue (matrix.md §3.1): order per room, rooms side by side, each item exactly once.

`queue.Outbox` takes wishes and shows what is pending; `delivery` brings one room's items to the server; `content` builds what
is sent; `files` keeps copies of attachments; `receipts` and `typing` send markers. Called by the client of one account.
"""
