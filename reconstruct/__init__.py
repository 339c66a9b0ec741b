"""Posed frames to Gaussians."""
