"""The set in a browser."""
