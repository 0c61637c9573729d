"""The sheet that turns recovery on, uses it, or starts over."""
