"""Run a session.

``ros2 launch lbp_rehab session.launch.py camera:=realsense exercise:=glute_bridge``

With a stock driver: ``camera:=none camera_topics:=/camera/camera``.
"""

from lbp_rehab.launching import session_description


def generate_launch_description():
    return session_description()
