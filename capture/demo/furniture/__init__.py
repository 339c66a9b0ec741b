"""What stands in the set: each file is one kind of thing, made of patches in its own place."""
