"""What the canvas paints: one frozen record per visible tile."""

from dataclasses import dataclass

from welink_desktop.core.calls import Quality
from welink_desktop.core.ids import ContentUri, UserId


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in device-independent pixels of the canvas."""

    x: int
    y: int
    width: int
    height: int

    def contains(self, x: float, y: float) -> bool:
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


@dataclass(frozen=True, slots=True)
class StageTile:
    """A place on the stage. `key` is stable for a person's camera or screen; `tile` names it in the `FrameSource`.

    `picture`: a picture is expected (else the avatar is shown). `whole`: show all of it (a shared screen), never cropped.
    `muted` None hides the microphone mark. `waiting` is a rendered sentence shown instead of picture and avatar ("" = none).
    `label` is the accessible text, already rendered. `mirrored` is for the own camera.
    """

    key: str
    tile: int
    box: Box
    user: UserId
    name: str
    label: str
    avatar: ContentUri | None = None
    picture: bool = False
    whole: bool = False
    mirrored: bool = False
    muted: bool | None = None
    external: bool = False
    speaking: bool = False
    pinned: bool = False
    waiting: str = ""
    quality: Quality = Quality.UNKNOWN


def nearest(tiles: tuple[StageTile, ...], current: str, dx: int, dy: int) -> str:
    """The key of the tile that arrow keys reach from `current` in direction (dx, dy); `current` if there is none."""
    start = next((tile for tile in tiles if tile.key == current), None)
    if start is None:
        return tiles[0].key if tiles else ""
    x, y = start.box.x + start.box.width / 2, start.box.y + start.box.height / 2
    best, best_cost = current, float("inf")
    for tile in tiles:
        to_x, to_y = tile.box.x + tile.box.width / 2 - x, tile.box.y + tile.box.height / 2 - y
        along, across = to_x * dx + to_y * dy, abs(to_x * dy) + abs(to_y * dx)
        if along > 1 and along + 2 * across < best_cost:
            best, best_cost = tile.key, along + 2 * across
    return best
