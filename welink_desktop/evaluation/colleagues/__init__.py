"""Scripted colleagues: real accounts of the sample organisation, run by our own engine without a window, in one process.

They write the conversations once the viewer's first device can read them, answer and react, and join meetings.
"""
