"""Tokens, fonts, icons and the theme: the only place where colours and lengths have numbers."""
