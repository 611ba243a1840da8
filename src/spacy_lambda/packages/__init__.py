"""Installed Python distributions: those that a pipeline requires, those of torch, and programs that see no others."""
