"""What a capture consists of: the photos, clips and masks in a folder, or one clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from setpiece.capture.apps.find import pose_files, without_depth
from setpiece.capture.mask_files import is_mask
from setpiece.capture.names import natural_key, readable
from setpiece.capture.originals import how_to_export
from setpiece.errors import CaptureError
from setpiece.setfolder import SET_FILE

PHOTOS = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif", ".hif"})
CLIPS = frozenset({".mp4", ".mov", ".m4v", ".mkv", ".webm"})


@dataclass(frozen=True)
class Sources:
    """The files of a capture, each kind in natural order of the relative paths."""

    folder: Path  # what the paths of files are relative to
    photos: tuple[Path, ...]
    clips: tuple[Path, ...]
    masks: tuple[Path, ...]
    others: tuple[Path, ...]  # that are of no known kind
    poses: tuple[Path, ...] = ()  # files in which apps and programs say where the photos were taken

    @property
    def files(self) -> list[Path]:
        """All files that a set is made from."""
        return [*self.photos, *self.clips, *self.masks, *self.poses]

    def name(self, file: Path) -> str:
        """A file's path relative to the capture, forward slashes, always text."""
        return readable(file.relative_to(self.folder).as_posix())


def find_sources(capture: Path) -> Sources:
    """The files of the capture in the folder `capture`, or of the single clip `capture`.

    Hidden files and folders and the `._` companions that macOS leaves on foreign disks are passed over,
    as are sets that lie between the photos. Raises CaptureError when the capture is missing, a file that is
    no clip, or without photos and clips.
    """
    if capture.is_file():
        if capture.suffix.lower() in CLIPS:
            return Sources(capture.parent, photos=(), clips=(capture,), masks=(), others=())
        raise CaptureError(f"{capture} is a file. Give the folder that holds the photos, or a video.")
    visible = sorted(_visible_files(capture), key=lambda f: natural_key(f.relative_to(capture).as_posix()))
    masks = [f for f in visible if f.suffix.lower() in PHOTOS and _is_mask(f, capture)]
    pictures = [f for f in visible if f.suffix.lower() in PHOTOS and not _is_mask(f, capture)]
    clips = [f for f in visible if f.suffix.lower() in CLIPS]
    poses = pose_files([f for f in visible if f.suffix.lower() not in PHOTOS | CLIPS])
    pictures = without_depth(pictures, poses, capture)
    if not pictures and not clips and (original := next((f for f in visible if how_to_export(f)), None)):
        raise CaptureError(f"{original.name} cannot be read: {how_to_export(original)}.")
    if not pictures and not clips:
        what = f"none of its {len(visible)} files is" if visible else "it is empty, without"
        raise CaptureError(
            f"{capture} holds no photos or videos: {what} a JPEG, PNG, WebP, TIFF or HEIC picture "
            "or an MP4, MOV or MKV video. Give the folder with the photos."
        )
    used = {*masks, *pictures, *clips, *poses}
    others = tuple(f for f in visible if f not in used)
    return Sources(capture, tuple(pictures), tuple(clips), tuple(masks), others, tuple(poses))


def _is_mask(file: Path, capture: Path) -> bool:
    return is_mask(file.relative_to(capture).as_posix())


def _visible_files(capture: Path) -> list[Path]:
    if not capture.exists():
        raise CaptureError(f"{capture} does not exist. Give the folder that holds the photos.")
    try:
        found = sorted(f for f in capture.rglob("*") if f.is_file())
        sets = {f.parent for f in found if f.name == SET_FILE} - {capture}
        return [
            f
            for f in found
            if sets.isdisjoint(f.parents) and not any(p.startswith(".") for p in f.relative_to(capture).parts)
        ]
    except OSError as error:
        raise CaptureError(f"{capture} cannot be read: {error.strerror}. Check its permissions.") from error
