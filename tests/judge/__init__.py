"""The judge: a slow, obvious renderer in float64 that every engine must agree with."""
