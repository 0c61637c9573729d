"""What the server speaks: pure request builders, and strict parsers of untrusted JSON into frozen records.

Behind this package nobody looks into an answer. A malformed event becomes `Unreadable`; it never hides a good one.
"""
