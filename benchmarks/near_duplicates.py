"""How well near-duplicate pictures are found: false joins among pictures that differ, and which copies are recognised.

    python benchmarks/near_duplicates.py <folder with a TSV_images folder> [pictures] [sheet.png]

All pictures of the TSV files are taken to be different: every pair that is joined is listed, and drawn on a contact
sheet, to be judged by eye. Then `pictures` of them (default 300) are changed in known ways, and it is counted how many
are recognised. docs/splits.md has the figures of the demo and of MathVision.
"""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from vlrb.benchmark.likeness import near
from vlrb.benchmark.likeness.marks import Mark, mark
from vlrb.benchmark.likeness.table import PictureTable, as_frame, picture_table
from vlrb.sources.pictures import PictureReader
from vlrb.sources.vlmevalkit.tsv import read_tsv

Change = Callable[[Image.Image], bytes]


def encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def scaled(image: Image.Image, factor: float) -> Image.Image:
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS)


def cropped(image: Image.Image, share: float) -> Image.Image:
    x, y = round(image.width * share / 2), round(image.height * share / 2)
    return image.crop((x, y, image.width - x, image.height - y))


CHANGES: dict[str, Change] = {
    "PNG, same pixels": lambda i: encoded(i, "PNG", compress_level=1),
    "JPEG quality 95": lambda i: encoded(i, "JPEG", quality=95),
    "JPEG quality 85": lambda i: encoded(i, "JPEG", quality=85),
    "JPEG quality 50": lambda i: encoded(i, "JPEG", quality=50),
    "WebP quality 80": lambda i: encoded(i, "WEBP", quality=80),
    "double size, PNG": lambda i: encoded(scaled(i, 2), "PNG", compress_level=1),
    "half size, JPEG 85": lambda i: encoded(scaled(i, 0.5), "JPEG", quality=85),
    "a third of the size, PNG": lambda i: encoded(scaled(i, 1 / 3), "PNG", compress_level=1),
    "1 % cut off": lambda i: encoded(cropped(i, 0.01), "PNG", compress_level=1),
    "2 % cut off": lambda i: encoded(cropped(i, 0.02), "PNG", compress_level=1),
    "5 % cut off": lambda i: encoded(cropped(i, 0.05), "PNG", compress_level=1),
    "grey": lambda i: encoded(i.convert("L"), "PNG", compress_level=1),
    "mirrored": lambda i: encoded(i.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "PNG", compress_level=1),
}


def references_of(root: Path) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for path in sorted((root / "TSV_images").glob("*.tsv")):
        for key, pictures in read_tsv(path, root).pictures.items():
            for reference in pictures:
                found.setdefault(str(reference["content_hash"]), {**reference, "name": f"{path.stem}/{key}"})
    return dict(sorted(found.items()))


def joined(marks: list[Mark]) -> np.ndarray:
    rows = [{"content_hash": str(k), "problem": "", **m._asdict()} for k, m in enumerate(marks)]
    return near.same_pictures(PictureTable(as_frame(rows)))


def recognised(before: Mark, after: Mark) -> bool:
    return before.pixel_hash == after.pixel_hash or len(joined([before, after])) > 0


def contact_sheet(pairs: list[tuple[Image.Image, Image.Image]], path: Path) -> None:
    sheet = Image.new("RGB", (2 * 260, max(1, len(pairs)) * 260), "white")
    for row, pair in enumerate(pairs):
        for column, image in enumerate(pair):
            sheet.paste(image.resize((250, 250)), (column * 260 + 5, row * 260 + 5))
    sheet.save(path)


def main() -> None:
    root, wanted = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 300
    references, reader = references_of(root), PictureReader(root)
    table = picture_table(list(references.values()), root)
    rows = list(references.values())
    pairs = near.same_pictures(table)
    proposed = sum(map(len, near.candidates(near.sign_matrix(table.readable.frame["phash"].to_numpy(np.uint64)))))
    print(f"{len(table):,} distinct pictures, {proposed:,} pairs proposed by the hash, {len(pairs):,} joined:")
    for i, j in pairs:
        print(f"  {rows[i]['name']} = {rows[j]['name']}")
    if len(sys.argv) > 3:
        contact_sheet([(reader.open(rows[i]), reader.open(rows[j])) for i, j in pairs[:20]], Path(sys.argv[3]))
    chosen = np.random.default_rng(0).permutation(len(rows))[:wanted]
    originals = [(reader.open(rows[k]), mark(reader.read(rows[k]))) for k in chosen]
    for name, change in CHANGES.items():
        found = sum(recognised(before, mark(change(image))) for image, before in originals)
        print(f"{name:28s}{found / len(originals):8.3f}")


if __name__ == "__main__":
    main()
