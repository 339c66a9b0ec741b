"""The report of a set: one HTML file without outside parts."""
