"""Names for assistive technology (visual.md §10): every control has a name, role and state."""

from PySide6.QtWidgets import QWidget


def describe(widget: QWidget, name: str, description: str = "", *, tooltip: bool = False) -> None:
    """Give `widget` its spoken name (verb + object) and, apart from it, a description; `tooltip` shows the name on hover."""
    widget.setAccessibleName(name)
    widget.setAccessibleDescription(description)
    if tooltip:
        widget.setToolTip(name)


def identify(widget: QWidget, object_name: str) -> QWidget:
    """Set the kebab-case name by which tests and the tour find `widget`."""
    widget.setObjectName(object_name)
    return widget
