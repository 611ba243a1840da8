"""The helpers for tests of users, and the pytest plugin."""
