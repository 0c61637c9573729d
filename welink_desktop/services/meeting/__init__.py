"""A meeting from the lobby to leaving, over the calls, devices and desktop ports. Belongs to the UI loop; no Qt.

`meeting.Meeting` is what pages use; `records` are the facts they render. Imports core and the layout services.
"""
