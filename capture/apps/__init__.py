"""Poses that came with the photos: from phone apps, from other programs."""
