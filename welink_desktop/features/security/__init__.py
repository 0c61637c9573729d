"""Who is who and what can be read again: the security part of the settings, recovery, comparing devices and people."""
