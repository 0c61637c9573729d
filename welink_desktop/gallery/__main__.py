"""`python -m welink_desktop.gallery`: every sample in every look, as pictures and one page to look at."""

import argparse
import html
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 if a golden differs (without `--update`)."""
    parser = argparse.ArgumentParser(prog="gallery", description="Pictures of every sample in every look.")
    parser.add_argument("--update", action="store_true", help="write the goldens of the tests")
    parser.add_argument("--out", type=Path, default=Path("build/gallery"), help="folder of the pictures")
    parser.add_argument("--only", default="", metavar="WORD", help="only pictures with this word in their name")
    parser.add_argument("command", nargs="*", metavar="new-page AREA/PAGE", help="make the files of a new page")
    given = parser.parse_args(arguments)
    checkout = Path(__file__).resolve().parents[2]
    if given.command:
        return _new_page(checkout, given.command)
    from welink_desktop.gallery.catalogue import all_shots, golden_shots
    from welink_desktop.gallery.render import application, picture, save

    app = application()
    if given.update:
        folder = checkout / "tests" / "golden" / "pictures"
        shots = [shot for shot in golden_shots() if given.only in shot.name]
        for shot in shots:
            save(picture(app, shot), folder / f"{shot.name}.png")
        if not given.only:
            kept = {f"{shot.name}.png" for shot in shots}
            for path in folder.glob("*.png"):
                if path.name not in kept:
                    path.unlink()
        print(f"{len(shots)} goldens written")
        return 0
    shots = [shot for shot in all_shots() if given.only in shot.name]
    for shot in shots:
        picture_of = picture(app, shot)
        given.out.mkdir(parents=True, exist_ok=True)
        picture_of.save(str(given.out / f"{shot.name}.png"))
    (given.out / "index.html").write_text(_page([shot.name for shot in shots]), encoding="utf-8")
    print(f"{len(shots)} pictures in {given.out}; open index.html there")
    return 0


def _new_page(checkout: Path, command: list[str]) -> int:
    from welink_desktop.gallery.stamp import new_page

    if len(command) != 2 or command[0] != "new-page":
        print("usage: gallery new-page AREA/PAGE", file=sys.stderr)
        return 2
    try:
        files = new_page(checkout, command[1])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for path in files:
        print(path.relative_to(checkout))
    return 0


def _page(names: list[str]) -> str:
    figures = "\n".join(
        f'<figure><img loading="lazy" src="{name}.png" width="640"><figcaption>{name}</figcaption></figure>'
        for name in map(html.escape, names)
    )
    return (
        f'<!doctype html><meta charset="utf-8"><title>Gallery</title><style>figure{{display:inline-block}}</style>\n{figures}\n'
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
