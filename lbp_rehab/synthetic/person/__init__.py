"""The synthetic person: body at rest, skinning, keypoints, looks."""
