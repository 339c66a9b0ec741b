"""The native matching kernels against the slow, obvious way."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from setpiece.capture import matching
from setpiece.capture.features import Features, root_sift
from setpiece.capture.pairs import choose_pairs, pairs_from_counts, similar_pairs
from setpiece.progress import SilentProgress

native = pytest.importorskip("setpiece.capture._native", reason="built without native code")
KERNELS = ["plain", "avx2", "avx512vnni"]


def descriptors(count: int, seed: int) -> NDArray[np.uint8]:
    return root_sift(np.random.default_rng(seed).gamma(0.3, 1, (count, 128)).astype(np.float32))


def alike(count: int, other: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Two sets of which half of the smaller are the same but for noise."""
    first, second = descriptors(count, 1), descriptors(other, 2)
    same = min(count, other) // 2
    noise = np.random.default_rng(3).integers(-4, 5, (same, 128))
    second[:same] = np.clip(first[:same].astype(int) + noise, 0, 255)
    return first, second


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("sizes", [(2, 2), (3, 7), (100, 37), (33, 32), (513, 255), (700, 1031)])
def test_every_kernel_gives_what_the_slow_way_gives(kernel: str, sizes: tuple[int, int]) -> None:
    if KERNELS.index(kernel) > KERNELS.index(native.matching_kernel()):
        pytest.skip(f"this machine has no {kernel}")
    first, second = alike(*sizes)
    expected = matching.match_slowly(first, second)
    starts, found = native.match_pairs([first, second], np.array([[0, 1]]), matching.RATIO, 1, kernel)
    assert starts.tolist() == [0, len(expected)]
    assert np.array_equal(found, expected)
    assert len(expected) >= min(sizes) // 2 - 1


def test_equal_descriptors_and_extremes() -> None:
    ones = np.full((40, 128), 45, np.uint8)
    assert len(matching.match(ones, ones)) == len(matching.match_slowly(ones, ones)) == 0  # all ambiguous
    none = np.zeros((0, 128), np.uint8)
    assert matching.match(none, ones).shape == (0, 2)
    assert matching.match(ones[:1], ones).shape == (0, 2)


def test_an_unknown_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="no matching kernel"):
        native.match_pairs([descriptors(4, 0), descriptors(4, 1)], np.array([[0, 1]]), 0.8, 1, "abacus")


def test_many_pairs_are_matched_alike_by_any_number_of_threads() -> None:
    features = scene(20, 4)
    pairs = [(i, j) for i in range(20) for j in range(i + 1, 20)]
    one, three = (matching.match_pairs(features, pairs, n, SilentProgress()) for n in (1, 3))
    assert list(one) == list(three) == pairs
    for i, j in pairs:
        assert np.array_equal(one[i, j], three[i, j])
        assert np.array_equal(
            one[i, j], matching.match_slowly(features[i].descriptors, features[j].descriptors)
        )
    counts = matching.count_matches(features, pairs, 60, 3)
    assert counts == [len(one[p]) for p in pairs]
    assert matching.count_matches(features, [], 60, 3) == []


def scene(frames: int, per_place: int) -> list[Features]:
    """Frames of places: those of one place share most of their features."""
    features = []
    for i in range(frames):
        place = descriptors(60, 100 + i // per_place)
        noise = np.random.default_rng(i).integers(-3, 4, place.shape)
        seen = np.clip(place.astype(int) + noise, 0, 255).astype(np.uint8)
        features.append(Features(np.zeros((60, 4), np.float32), seen))
    return features


def test_small_captures_are_matched_exhaustively_and_larger_ones_by_preview() -> None:
    pairs, how = choose_pairs(scene(8, 4), 4, 2, 2)
    assert (len(pairs), how) == (28, "exhaustive")
    pairs, how = choose_pairs(scene(24, 4), 4, 1, 2)
    assert how == "preview"
    places = {(i, j) for i in range(24) for j in range(i + 1, 24) if i // 4 == j // 4}
    assert places <= set(pairs)
    assert len(pairs) <= len(places) + 23  # beside those only neighbours in order


def test_some_frames_alone_choose_their_pairs() -> None:
    every, _ = choose_pairs(scene(24, 4), 4, 1, 2)
    some, how = choose_pairs(scene(24, 4), 4, 1, 2, {5, 6})
    assert how == "preview"
    assert some == [(i, j) for i, j in every if {i, j} & {5, 6}]
    assert choose_pairs(scene(6, 3), 4, 1, 2, {2})[0] == [(0, 2), (1, 2), (2, 3), (2, 4), (2, 5)]


def test_the_nearest_of_a_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [descriptors(n, n) for n in (70, 0, 33)]
    words = descriptors(50, 9)
    found = matching.nearest(frames, words, 2)
    monkeypatch.setattr(matching, "_native", None)
    slowly = matching.nearest(frames, words, 2)
    assert [len(f) for f in found] == [70, 0, 33]
    assert all(np.array_equal(a, b) for a, b in zip(found, slowly, strict=True))


def test_retrieval_finds_the_frames_of_the_same_place() -> None:
    found = set(similar_pairs(scene(40, 4), 6, 2))
    places = {(i, j) for i in range(40) for j in range(i + 1, 40) if i // 4 == j // 4}
    assert places <= found
    assert len(found) < 40 * 39 / 4


def test_neighbours_in_order_are_always_compared() -> None:
    pairs = pairs_from_counts(np.zeros((6, 6), np.int32), 3, 2)
    assert pairs == [(i, j) for i in range(6) for j in range(i + 1, min(6, i + 3))]
