"""The sample capture: a small film set made by code, photographed with known cameras, depth and mesh."""

from setpiece.capture.demo.make import DemoCapture, make_demo
from setpiece.capture.demo.options import DemoOptions

__all__ = ["DemoCapture", "DemoOptions", "make_demo"]
