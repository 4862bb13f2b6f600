"""Makes the composites that pointing is judged on: photo cut-outs on photos, none of which anything is trained on.

The cut-outs are those of Debian's package tuxpaint-stamps-default (GPL-2, so they stay out of this repository) that
show photographed things: composites_cutouts.txt, chosen by eye. The photos are those of the scikit-image package and
of any further folder.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from backend.datasets.cutouts import pictures_in
from backend.evaluation.composites import composites
from backend.synthetic.writers.cases import write_case, write_list
from protocol.problems import ProblemError

STAMPS = Path("/usr/share/tuxpaint/stamps")
CHOSEN = Path(__file__).with_name("composites_cutouts.txt")
PHOTOS = ("astronaut.png", "brick.png", "chelsea.png", "coffee.png", "grass.png", "gravel.png", "motorcycle_left.png")


def main() -> int:
    """Write the set; 1 where something is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cutouts", type=Path, help="your own cut-outs (RGBA pictures) in place of the stamps")
    parser.add_argument("--photos", type=Path, action="append", default=[], help="a folder of further photos")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("composites"))
    given = parser.parse_args()
    try:
        cutouts = pictures_in(given.cutouts) if given.cutouts else _stamps()
        photos = [*_own_photos(), *(path for folder in given.photos for path in pictures_in(folder))]
        print(f"{len(cutouts)} cut-outs, {len(photos)} photos")
        given.out.mkdir(parents=True, exist_ok=True)
        entries = (
            write_case(
                given.out,
                case.id,
                case.image,
                case.occlusion_rate,
                modal=case.modal,
                amodal=case.amodal,
                front=case.front,
                whole=case.whole,
            )
            for case in composites(cutouts, photos, given.seed, given.count)
            if case.front is not None and case.whole is not None
        )
        write_list(given.out, entries, "composite")
    except ProblemError as error:
        print(f"{error.problem.message} {error.problem.hint}", file=sys.stderr)
        return 1
    print(f"{given.count} cases in {given.out}: wholeform evaluate segment --data {given.out}")
    return 0


def _stamps() -> list[Path]:
    found = [STAMPS / line for line in CHOSEN.read_text("utf-8").split()]
    missing = [path for path in found if not path.is_file()]
    if missing:
        raise SystemExit(f"{missing[0]} is missing: apt-get install tuxpaint-stamps-default, or give --cutouts FOLDER.")
    return found


def _own_photos() -> list[Path]:
    package = importlib.util.find_spec("skimage")
    if package is None or package.origin is None:
        return []
    return [path for name in PHOTOS if (path := Path(package.origin).parent / "data" / name).is_file()]


if __name__ == "__main__":
    sys.exit(main())
