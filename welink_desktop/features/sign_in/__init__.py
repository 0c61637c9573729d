"""Signing in: choose how, find the server, give the password. Model: services and core; view: its model and ui."""
