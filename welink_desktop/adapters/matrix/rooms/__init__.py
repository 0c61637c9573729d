"""Rooms as this account sees them: state, members, timelines, unread counts. Called by `sync` and `client`."""
