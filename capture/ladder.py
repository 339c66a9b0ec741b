"""Attempts at finding the poses, from the quickest to the most thorough, until every photo is placed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from setpiece.capture.attempt import Attempt, attempt
from setpiece.capture.colmap import Lens
from setpiece.capture.connected import connected
from setpiece.capture.features import FeatureSettings
from setpiece.capture.forward import MOSTLY_FORWARD, forward_share
from setpiece.capture.job import Job
from setpiece.capture.lenses import lenses_of
from setpiece.capture.mapping import Method
from setpiece.capture.matched import Matched, match_by_defaults, match_frames
from setpiece.capture.matching import Pair
from setpiece.capture.options import PoseOptions
from setpiece.capture.panning import turning_share
from setpiece.capture.priors import have_priors
from setpiece.errors import PoseError

FINE_UP_TO = 24  # photos; up to this number FINE_FEATURES are looked for from the start
COARSE_SIDE, FINE_SIDE = 1600, 2560  # pixels
COARSE_FEATURES, FINE_FEATURES = 2048, 4096
THOROUGH_CONTRAST = 0.01  # SIFT's contrast threshold in the closer look
SOUND = 0.8  # of the photos placed: another method would not place the rest
CLEAR_INLIERS = 30  # of a pair: what COLMAP wants to place a photo by
MOSTLY_TURNED = 0.8  # of the verified pairs
WALK = (
    "Walk around the place and take a photo at every step, "
    "each showing at least two thirds of the one before."
)


def climb(job: Job) -> list[Attempt]:
    """All attempts made, the best first."""
    frames, work, progress = job.frames, job.work, job.progress
    lenses, lens_of = lenses_of(frames)
    quick, thorough = feature_settings(len(frames), job.options)
    attempts: list[Attempt] = []
    stations = job.stations
    together = stations.links()

    def settled(matched: Matched) -> bool:
        return bool(attempts) and best(attempts).placed >= largest_connected(
            [*matched.geometries, *together], len(frames)
        )

    def tried(matched: Matched, method: Method, lenses: list[Lens], lens_of: list[int]) -> bool:
        """Whether all photos are placed now."""
        attempts.append(attempt(job, lenses, lens_of, matched, method))
        return best(attempts).placed == len(frames)

    def ranked() -> list[Attempt]:
        return sorted(attempts, key=_worth, reverse=True)

    matched = match_frames(job, work / "quick", quick)
    _check_steps_aside(matched, lenses, lens_of, stations.of)
    if have_priors(frames):
        if tried(matched, Method.PRIORS, lenses, lens_of):
            return ranked()
        attempts.clear()
        source = frames[0].prior.source if frames[0].prior else ""
        progress.warning(
            f"the poses of {source} do not fit the photos, perhaps because their axes are meant otherwise: "
            "Setpiece finds its own."
        )
    forward = forward_share(matched.geometries, lenses, lens_of) > MOSTLY_FORWARD
    first = (Method.SKELETON, Method.FORWARD) if forward else (Method.SKELETON,)
    for method in (*first, Method.GLOBAL):
        if tried(matched, method, lenses, lens_of):
            return ranked()
        if settled(matched) or best(attempts).placed >= SOUND * len(frames):
            break  # but for a few: what helps is more features
    progress.line(f"{best(attempts).placed} of {len(frames)} photos placed so far; looking closer")
    over = _left_over(best(attempts))
    matched = match_frames(job, work / "closer", thorough, matched, over)
    for method in (*first, Method.INCREMENTAL, Method.GLOBAL):
        if settled(matched) or tried(matched, method, lenses, lens_of):
            return ranked()
    if not _within_reach(best(attempts), matched, together):
        return ranked()
    progress.line(
        f"{best(attempts).placed} of {len(frames)} photos placed so far; "
        "trying COLMAP's defaults, which takes some minutes"
    )
    matched = match_by_defaults(job, work / "defaults")
    apart = [Lens(f.width, f.height, f.focal_px, f.lens) for f in frames]  # as COLMAP starts without EXIF
    for lens_list, numbers in ((lenses, lens_of), (apart, list(range(len(frames))))):
        if settled(matched) or tried(matched, Method.DEFAULTS, lens_list, numbers):
            break
    return ranked()


def _left_over(attempt: Attempt) -> set[int]:
    """The frames that are not placed; all, where fewer than half are."""
    everything = set(range(len(attempt.matched.features)))
    return everything - attempt.models[0] if 2 * attempt.placed >= len(everything) else everything


def _within_reach(attempt: Attempt, matched: Matched, together: list[Pair]) -> bool:
    """Whether a photo was left over that clearly shows what others show."""
    clear = [p for p, g in matched.geometries.items() if len(g.inlier_matches) >= CLEAR_INLIERS]
    return attempt.placed < largest_connected([*clear, *together], len(matched.features))


def _check_steps_aside(
    matched: Matched, lenses: list[Lens], lens_of: list[int], station_of: Sequence[int]
) -> None:
    if turning_share(matched.features, matched.geometries, lenses, lens_of, station_of) > MOSTLY_TURNED:
        if all(lens.cam_from_rig for lens in lenses):
            raise PoseError(
                "the panoramas were all taken on one spot, which shows no depth. "
                "Walk through the place and take one at every step or two."
            )
        raise PoseError(f"the photos were taken by turning on the spot, which shows no depth. {WALK}")


def feature_settings(count: int, options: PoseOptions) -> tuple[FeatureSettings, FeatureSettings]:
    """For the first and the second rung: a small capture affords a closer look from the start."""
    side = options.feature_side or COARSE_SIDE
    most = options.max_features or (FINE_FEATURES if count <= FINE_UP_TO else COARSE_FEATURES)
    return FeatureSettings(side, most), FeatureSettings(
        max(side, FINE_SIDE), max(most, FINE_FEATURES), THOROUGH_CONTRAST
    )


def largest_connected(geometries: Iterable[Pair], count: int) -> int:
    """How many of `count` frames hang together through verified pairs: no mapper can place more."""
    return max(map(len, connected(geometries, range(count))))


def best(attempts: Sequence[Attempt]) -> Attempt:
    """The attempt that placed most frames."""
    return max(attempts, key=_worth)


def _worth(attempt: Attempt) -> tuple[int, int]:
    return attempt.placed, attempt.largest.num_points3D() if attempt.largest is not None else 0
