"""Installed distributions: those that a function has, those of torch, and processes that see no others."""
