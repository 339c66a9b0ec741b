"""Video clips: which of their frames are used, and how they become sRGB pictures."""
