"""Photos to checked frames to camera poses."""
