"""Ops with a definition in primitives, a fast forward and a fast backward: one file each."""
