"""The sheet in which two devices are compared."""
