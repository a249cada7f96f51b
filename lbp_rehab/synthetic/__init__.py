"""The synthetic patient: a body that moves, a camera and electrodes that watch it, and the truth.

`movement` says how the body moves; `body` and `bridge` give it a shape and a pose; `camera`,
`render`, `scene` and `sensor` make what an RGB-D camera sees of it, `emg` what electrodes measure;
`truth` says what really happened, and `recording` writes it all into a bag. The body needs the
optional extra ``synthetic``.
"""
