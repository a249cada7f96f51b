"""Time of each stage of a synthetic RGB-D frame on one core; run it as a script."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from lbp_rehab.synthetic.draws import Draws
from lbp_rehab.synthetic.imaging.clothes import dress
from lbp_rehab.synthetic.imaging.rgbd import PRESETS, RgbdCamera, preset
from lbp_rehab.synthetic.imaging.rooms import sample_room
from lbp_rehab.synthetic.imaging.scene import Scene
from lbp_rehab.synthetic.imaging.views import sample_view
from lbp_rehab.synthetic.person import people

# Anny's rest frame (left, back, up) in the support frame of somebody lying on the back.
_LYING = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


def measure(camera_name: str, size: tuple[int, int], views: int, frames: int) -> dict[str, float]:
    """Return the median milliseconds of each stage, over views of random rooms."""
    kind = preset(camera_name, size)
    spent: dict[str, list[float]] = defaultdict(list)

    def timed(stage, work, *arguments):
        begun = time.perf_counter()
        result = work(*arguments)
        spent[stage].append(1e3 * (time.perf_counter() - begun))
        return result

    for seed in range(views):
        person = people.sample(seed)
        dressed = dress(people.body_of(person), person.outfit)
        lying = dressed.body.rest_pose()
        lying.rotation[:] = _LYING @ lying.rotation
        lying.root_m[:] = 0.0
        lowest = dressed.body.skin(lying)[:, 2].min()
        lying.root_m[2] -= lowest
        draws = Draws(seed)
        room = sample_room(draws, ("mat", "bed", "floor")[seed % 3])
        points = np.asarray(dressed.body.skin(lying), float)
        camera = sample_view(draws.rng, points[::7], kind, room)
        device = RgbdCamera(kind, camera, seed)
        scene = timed(
            "room, once a view",
            lambda c=camera, d=device, r=room, p=dressed: Scene(
                r, [p], c, depth_camera=d.depth_camera
            ),
        )
        for frame in range(frames + 1):
            if frame == 1 and seed == 0:  # the first frame compiles
                spent.clear()
            vertices = timed("skinning", dressed.body.skin, lying)
            seen = timed("colour image and truth", scene.view, [vertices])
            depth = timed("depth image", scene.depth)
            timed("colour sensor", device.measure_colour, seen.colour)
            timed("depth sensor and registration", device.measure_depth, *vars(depth).values())
    return {stage: float(np.median(ms)) for stage, ms in spent.items()}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, nargs=2, default=(640, 480))
    parser.add_argument("--views", type=int, default=12)
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    table = {}
    for name in PRESETS:
        stages = measure(name, tuple(arguments.size), arguments.views, arguments.frames)
        each = {stage: ms for stage, ms in stages.items() if "once" not in stage}
        stages["whole frame"] = sum(each.values())
        stages["frames a second"] = 1e3 / stages["whole frame"]
        table[name] = stages
        print(f"{name}, {arguments.size[0]}x{arguments.size[1]}")
        for stage, value in stages.items():
            unit = "" if stage == "frames a second" else " ms"
            print(f"  {stage:32s} {value:8.1f}{unit}")
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
