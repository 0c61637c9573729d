"""Shared fixtures and drivers of the tests."""
