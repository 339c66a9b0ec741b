"""What is wrong with a capture, said before anything costs time."""
