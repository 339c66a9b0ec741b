"""Shapes, each a list of textured patches."""
