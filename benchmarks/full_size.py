"""The published benchmark's size, synthetic: 30,540 samples × 17 models, 476 workbooks, TSV files of 2 GB.

The demo's generator writes the logs; its small pictures are then replaced by ones of about one megapixel (photos and
scans as JPEG with noise, drawings as PNG), so that TSV files and the decoding of pictures have their real weight.
Made once and kept: `full_size_logs(folder)` returns at once when the tree is there.

    python benchmarks/full_size.py [--folder …/vlrb-full-size]
"""

import argparse
import base64
import csv
import io
import json
import shutil
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from vlrb.demo.generator import DemoGenerator

ROOT = Path(__file__).resolve().parents[1]
VERSION = 1
SIDE = 1024  # pixels of the longer side, about one megapixel
NOISE = 7.0  # standard deviation of a scan's or photo's noise, in grey levels
DRAWN_AS_JPEG = 3  # two of so many drawings are kept as scans, JPEG with noise
DEFAULT_FOLDER = Path(tempfile.gettempdir()) / "vlrb-full-size"


def full_size_logs(folder: Path = DEFAULT_FOLDER) -> Path:
    """Return the root of the logs, made first if they are not there."""
    root, marker = folder / "vlm_router_data", folder / "full_size.json"
    if marker.is_file() and json.loads(marker.read_text())["version"] == VERSION:
        return root
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    counts = yaml.safe_load((ROOT / "conf/dataset/demo_full.yaml").read_text(encoding="utf-8"))["samples_per_dataset"]
    print(f"writing {sum(counts.values()):,} samples to {folder} (once, some minutes)", flush=True)
    DemoGenerator(str(root), counts).write(lambda what, done, total: print(f"  {done}/{total} {what}", flush=True))
    with ProcessPoolExecutor() as pool:
        for path, size in pool.map(enlarge, sorted((root / "TSV_images").glob("*.tsv"))):
            print(f"  {path.name}: {size / 1e6:,.0f} MB", flush=True)
    marker.write_text(json.dumps({"version": VERSION}))
    return root


def enlarge(path: Path) -> tuple[Path, int]:
    """Replace the pictures of one TSV file; rows that refer to another row's picture stay as they are."""
    csv.field_size_limit(1 << 30)
    rng = np.random.default_rng([VERSION, *path.stem.encode()])
    noise = rng.normal(0, NOISE, (2 * SIDE, 2 * SIDE, 3)).astype(np.float32)
    temporary = path.with_suffix(".part")
    with path.open(encoding="utf-8", newline="") as old, temporary.open("w", encoding="utf-8", newline="") as new:
        reader, writer = csv.reader(old, delimiter="\t"), csv.writer(new, delimiter="\t", lineterminator="\n")
        header = next(reader)
        writer.writerow(header)
        place = header.index("image")
        for number, row in enumerate(reader):
            if len(row[place]) > 64:
                row[place] = _large(row[place], noise, rng, scan=number % DRAWN_AS_JPEG != 0)
            writer.writerow(row)
    temporary.replace(path)
    return path, path.stat().st_size


def _large(cell: str, noise: np.ndarray, rng: np.random.Generator, *, scan: bool) -> str:
    with Image.open(io.BytesIO(base64.b64decode(cell))) as small:
        photo = small.format == "JPEG"
        factor = SIDE / max(small.size)
        size = (round(small.width * factor), round(small.height * factor))
        picture = small.convert("RGB").resize(size, Image.Resampling.BILINEAR)
    stream = io.BytesIO()
    if photo or scan:
        top, left = rng.integers(0, SIDE, 2)
        pixels = np.asarray(picture, np.float32) + noise[top : top + size[1], left : left + size[0]]
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(stream, "JPEG", quality=80)
    else:
        picture.save(stream, "PNG", compress_level=1)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def main() -> None:
    """Make the tree and say how large it is."""
    parser = argparse.ArgumentParser(description="synthetic logs of the published benchmark's size")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    started = time.perf_counter()
    root = full_size_logs(parser.parse_args().folder)
    books = list(root.rglob("*.xlsx"))
    tsv = sum(path.stat().st_size for path in root.rglob("*.tsv"))
    print(f"{root}: {len(books)} workbooks, TSV files of {tsv / 1e9:.2f} GB ({time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    main()
