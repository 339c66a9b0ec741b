"""Procedural textures: functions from a sheet to its albedo in sRGB."""
