"""Widgets of the design system (visual.md §2, §7). They read the current theme and speak through signals."""
