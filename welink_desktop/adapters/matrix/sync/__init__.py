"""The sync loop: one answer, one transaction, one batch of changes. Called by `client`."""
