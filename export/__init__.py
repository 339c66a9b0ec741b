"""Gaussians to files, and the set to a report."""
