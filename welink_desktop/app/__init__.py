"""The composition root: wires adapters, services and pages, owns the window, the loop and the way out.

May import everything; nothing imports it but the entry point and tests.
"""
