"""Setpiece turns photos of a real place into a virtual set.

The rooms of the house, in the order in which data flows: `setpiece.capture` (photos to camera poses),
`setpiece.reconstruct` (posed frames to Gaussians), `setpiece.export` (files and reports) and
`setpiece.viewer` (the set in a browser). What all of them share lies in this package.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("setpiece")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
