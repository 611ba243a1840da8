"""Modules that take the place of larger ones in a bundle; each is a file of the other's name there."""
