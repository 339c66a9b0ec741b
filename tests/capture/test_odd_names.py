"""Photos whose names or values are odd."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from setpiece.capture.decode import decode_srgb, open_photo
from setpiece.capture.names import readable
from setpiece.capture.sources import find_sources
from setpiece.stage import files_digest


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such names")
def test_a_name_that_is_no_unicode(tmp_path: Path) -> None:
    """Old disks and cameras leave them; they are told apart, and shown with question marks."""
    digests = []
    for name in (b"f\xfcr Prag.jpg", b"f\xe4r Prag.jpg"):
        folder = tmp_path / str(len(digests))
        folder.mkdir()
        (folder / os.fsdecode(name)).write_bytes(b"the same")
        (file,) = find_sources(folder).files
        assert readable(file.name) == "f?r Prag.jpg"
        digests.append(files_digest([file]))
    assert digests[0] != digests[1]


def test_values_that_are_no_numbers(tmp_path: Path) -> None:
    """A float picture with holes is read without a warning; the holes are black."""
    values = np.full((20, 30), 0.5, np.float32)
    values[:10] = np.nan
    Image.fromarray(values).save(tmp_path / "a.tif")
    with open_photo(tmp_path / "a.tif") as picture:
        decoded = np.asarray(decode_srgb(picture, 1, 100))
    assert decoded[0, 0].tolist() == [0, 0, 0]
    assert decoded[-1, -1].tolist() == [128, 128, 128]
