"""An Intel RealSense camera through pyrealsense2 (optional extra ``realsense``)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lbp_rehab.camera.sources import Shot, SourceSettings
from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.errors import InputError

TIMEOUT_MS = 5000


class RealSenseSource:
    """Colour, and depth aligned to it."""

    def __init__(self, serial: str, settings: SourceSettings) -> None:
        try:
            import pyrealsense2 as rs  # noqa: PLC0415
        except ImportError:
            raise InputError(
                "pyrealsense2 is missing; install it with 'pip install lbp-rehab[realsense]', or "
                "run realsense2_camera and use --camera none"
            ) from None
        self.name = f"RealSense {serial}".strip()
        rate = round(settings.rate_hz) or 30
        config = rs.config()
        if serial:
            config.enable_device(serial)
        config.enable_stream(rs.stream.color, settings.width, settings.height, rs.format.rgb8, rate)
        config.enable_stream(rs.stream.depth, settings.width, settings.height, rs.format.z16, rate)
        self._pipeline = rs.pipeline()
        try:
            profile = self._pipeline.start(config)
        except RuntimeError as error:
            raise InputError(
                f"no RealSense camera could be started at {settings.width}x{settings.height} and "
                f"{rate} Hz ({error}); check the cable and the serial number"
            ) from None
        self._align = rs.align(rs.stream.color)
        unit_m = profile.get_device().first_depth_sensor().get_depth_scale()
        self._unit_mm = unit_m * 1000.0
        k = profile.get_stream(rs.stream.color).as_video_stream_profile().get_intrinsics()
        self._camera = Intrinsics(
            k.width, k.height, k.fx, k.fy, k.ppx, k.ppy, tuple(map(float, k.coeffs))
        )

    def shots(self) -> Iterator[Shot]:
        """Yield frames as they come."""
        while True:
            try:
                frames = self._align.process(self._pipeline.wait_for_frames(TIMEOUT_MS))
            except RuntimeError:
                raise InputError(
                    f"{self.name} gave no frame for {TIMEOUT_MS / 1000:.0f} s; is it plugged in?"
                ) from None
            color, depth = frames.get_color_frame(), frames.get_depth_frame()
            if not color or not depth:
                continue
            millimetres = np.asanyarray(depth.get_data())
            if abs(self._unit_mm - 1.0) > 1e-6:
                millimetres = np.round(millimetres * self._unit_mm).clip(0, 65535)
            yield Shot(
                None,
                np.array(color.get_data()),
                millimetres.astype(np.uint16),
                self._camera,
            )

    def close(self) -> None:
        """Stop streaming."""
        self._pipeline.stop()
