"""Play a recording into the graph: ``ros2 launch lbp_rehab replay.launch.py play:=BAG``."""

from lbp_rehab.launching import session_description


def generate_launch_description():
    return session_description(camera="none", emg="topic")
