"""Which mask of a capture belongs to which photo.

COLMAP's naming comes first: the mask of REL/PATH/photo.jpg is masks/REL/PATH/photo.jpg.png. Where it is clear
which photo is meant, photo.png, photo.mask.png and photo_mask.png do as well, and the folders in front of the
photo's name may be missing. A photo.mask.png may also lie beside its photo.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

MASKS = "masks"  # folder of masks in a capture
_ENDINGS = (".mask", "_mask")
_NAMED = 3  # files that a sentence names


def is_mask(path: str) -> bool:
    """Whether a picture at `path`, relative to the capture, is a mask by its folder or its name."""
    pure = PurePosixPath(path)
    return MASKS in _folders(pure) or pure.stem.casefold().endswith(_ENDINGS[0])


def match_masks(masks: Sequence[str], photos: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The mask of each photo that has one, and a sentence for what is wrong with others.

    Paths are relative to the capture, with forward slashes.
    """
    found: dict[str, str] = {}
    lost, spare, warnings = [], [], []
    ways = [_finder(photos, how) for how in (_whole, _stem)]
    ranked = []
    for mask in masks:
        rank, owners = next(((k, o) for k, way in enumerate(ways) if (o := way(mask))), (0, []))
        ranked.append((rank, mask, owners))
    for _, mask, owners in sorted(ranked, key=lambda r: r[0]):  # COLMAP's naming first
        if not owners:
            lost.append(mask)
        elif len(owners) > 1:
            warnings.append(
                f"{mask} may be the mask of {_list(owners)}: it is not used. "
                f"Call it {MASKS}/{owners[0]}.png if it is that of the first."
            )
        elif owners[0] in found:
            spare.append(f"{mask} ({owners[0]} has {found[owners[0]]})")
        else:
            found[owners[0]] = mask
    if lost:
        which = "mask is" if len(lost) == 1 else "masks are"
        warnings.append(
            f"{len(lost)} {which} for no photo of the capture: {_list(lost)}. "
            f"The mask of folder/photo.jpg is {MASKS}/folder/photo.jpg.png."
        )
    if spare:
        warnings.append(f"photos have more than one mask, these are not used: {_list(spare)}.")
    return found, warnings


def _finder(
    photos: Sequence[str], key_of: Callable[[PurePosixPath, bool], str]
) -> Callable[[str], list[str]]:
    """Finds the photos whose path, or else the end of whose path, is a mask's."""
    keys = {p: key_of(PurePosixPath(p), False).casefold() for p in photos}

    def owners(mask: str) -> list[str]:
        pure = PurePosixPath(mask)
        folders = list(_folders(pure))
        if MASKS in folders:
            folders.remove(MASKS)
        key = key_of(PurePosixPath(*folders, pure.name), True).casefold()
        exact = [p for p, k in keys.items() if k == key]
        return exact or [p for p, k in keys.items() if k.endswith("/" + key)]

    return owners


def _whole(path: PurePosixPath, mask: bool) -> str:
    """photo.jpg of photo.jpg and of the mask photo.jpg.png."""
    return _without_ending(path.with_suffix("").as_posix()) if mask else path.as_posix()


def _stem(path: PurePosixPath, mask: bool) -> str:
    """Photo of photo.jpg and of the masks photo.png, photo.mask.png."""
    stem = path.with_suffix("").as_posix()
    return _without_ending(stem) if mask else stem


def _without_ending(stem: str) -> str:
    return next((stem[: -len(e)] for e in _ENDINGS if stem.casefold().endswith(e)), stem)


def _folders(path: PurePosixPath) -> tuple[str, ...]:
    return path.parts[:-1]


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
