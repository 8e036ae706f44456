"""Near-duplicates: pairs of pictures with nearly the same perceptual hash whose thumbnails agree cell by cell.

The hash alone would join drawings that merely share a layout (two bar charts, two circles on white), and through them
hundreds of others. So it only proposes, generously, and the thumbnails decide: the difference must be small against the
detail of the pictures (sparse lines on white count as much as a photo) and nowhere large. docs/splits.md has the
figures behind the thresholds.
"""

from collections.abc import Iterator

import numpy as np

from vlrb.benchmark.likeness.table import PictureTable

HASH_BITS = 8  # how many of the 64 bits of two hashes may differ for a pair to be looked at
DIFFERENCE = 0.03  # energy of the difference of two thumbnails ÷ mean of their energies
CELL_DIFFERENCE = 32  # of 255, in the worst cell and colour
ASPECT = 0.05  # difference of the logarithms of width ÷ height
DETAIL = 2.0  # of 255, standard deviation of a thumbnail's cells; flatter pictures are compared by their pixels alone
_BLOCK = 1024
_CHUNK = 4096


def same_pictures(pictures: PictureTable) -> np.ndarray:
    """Return pairs of rows of `pictures.readable` that show the same: equal pixels, or near-duplicates. (K, 2) int64.

    Of several pictures with equal pixels each is paired with the first, which alone is compared with others.
    """
    frame = pictures.readable.frame
    if frame.empty:
        return np.empty((0, 2), dtype=np.int64)
    group, names = frame["pixel_hash"].factorize()
    first = np.full(len(names), -1, dtype=np.int64)
    first[group[::-1]] = np.arange(len(frame))[::-1]
    copies = np.flatnonzero(first[group] != np.arange(len(frame)))
    equal = np.stack([first[group[copies]], copies], axis=1)
    return np.concatenate([equal, near_pairs(pictures.readable, first)])


def near_pairs(pictures: PictureTable, rows: np.ndarray) -> np.ndarray:
    """Return the pairs of near-duplicates among some rows, all of them readable, (K, 2) int64, each pair once."""
    looks = _Looks(pictures, rows)
    compared = np.flatnonzero(looks.detail >= DETAIL)
    signs = sign_matrix(pictures.frame["phash"].iloc[rows[compared]].to_numpy(np.uint64))
    found = [np.empty((0, 2), dtype=np.int64)]
    for pairs in candidates(signs):
        found.extend(looks.confirmed(compared[pairs[i : i + _CHUNK]]) for i in range(0, len(pairs), _CHUNK))
    near: np.ndarray = rows[np.concatenate(found)]
    return near


def candidates(signs: np.ndarray, bits: int = HASH_BITS) -> Iterator[np.ndarray]:
    """Yield all pairs of rows that differ in at most `bits` signs, (k, 2) int64 with i < j, block by block.

    Every pair is looked at: the product of two rows of ±1 is 64 − 2 · differing bits, so a matrix product finds
    them all at a cost of a second or two for 30,000 pictures, in bounded memory.
    """
    for start in range(0, len(signs), _BLOCK):
        agreement = signs[start : start + _BLOCK] @ signs[start:].T
        i, j = np.nonzero(agreement >= signs.shape[1] - 2 * bits)
        later = j > i
        yield np.stack([i[later], j[later]], axis=1) + start


def sign_matrix(hashes: np.ndarray) -> np.ndarray:
    """Return hashes (n,) uint64 as (n, 64) float32 of ±1."""
    bits = np.unpackbits(hashes.astype(">u8").view(np.uint8).reshape(len(hashes), 8), axis=1)
    signs: np.ndarray = bits.astype(np.float32) * 2 - 1
    return signs


class _Looks:
    """What thumbnails are compared by; positions are those of `rows`."""

    def __init__(self, pictures: PictureTable, rows: np.ndarray) -> None:
        frame = pictures.frame.iloc[rows]
        self.cells = pictures.thumbnails(rows)
        self.aspect = np.log(frame["width"].to_numpy(np.float64) / frame["height"].to_numpy(np.float64))
        self.mean = np.empty((len(rows), 3), dtype=np.float32)
        self.energy = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), _CHUNK):
            block = self.cells[start : start + _CHUNK].astype(np.float32)
            mean = block.mean(axis=1)
            self.mean[start : start + _CHUNK] = mean
            self.energy[start : start + _CHUNK] = ((block - mean[:, None]) ** 2).sum(axis=(1, 2))

    @property
    def detail(self) -> np.ndarray:
        """Standard deviation of the cells, (n,)."""
        deviation: np.ndarray = np.sqrt(self.energy / (self.cells.shape[1] * 3))
        return deviation

    def confirmed(self, pairs: np.ndarray) -> np.ndarray:
        """Return the pairs whose thumbnails agree; what cannot agree is dropped before any cell is read."""
        pairs = pairs[self._possible(pairs)]
        i, j = pairs.T
        difference = self.cells[i].astype(np.float32) - self.cells[j]
        worst = np.abs(difference).max(axis=(1, 2), initial=0)
        # Brightness is left out of the energy (a constant added to a picture), but not of the worst cell.
        centred = (difference - difference.mean(axis=1, keepdims=True)) ** 2
        relative = centred.sum(axis=(1, 2)) / ((self.energy[i] + self.energy[j]) / 2)
        agreeing: np.ndarray = pairs[(worst <= CELL_DIFFERENCE) & (relative <= DIFFERENCE)]
        return agreeing

    def _possible(self, pairs: np.ndarray) -> np.ndarray:
        i, j = pairs.T
        apart = np.abs(np.sqrt(self.energy[i]) - np.sqrt(self.energy[j]))  # ≤ norm of the difference
        limit = np.sqrt(DIFFERENCE * (self.energy[i] + self.energy[j]) / 2)
        colours = np.abs(self.mean[i] - self.mean[j]).max(axis=1) <= CELL_DIFFERENCE
        possible: np.ndarray = (np.abs(self.aspect[i] - self.aspect[j]) <= ASPECT) & (apart <= limit * 1.0001) & colours
        return possible
