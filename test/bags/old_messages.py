"""The fields of our messages in older versions, each as far as it differs from the one before."""

VERSIONS: list[dict[str, str]] = [
    {
        "BodyPose": """\
std_msgs/Header header
string person_id
uint32 track_id
uint8 people_in_view
uint8 mode
uint8 reason
uint8 posture
float32 posture_confidence
string backend
Keypoint[] keypoints
bool gravity_known
geometry_msgs/Vector3 up
float32 up_sigma_rad
float32 support_height_m
""",
        "Cue": """\
std_msgs/Header header
string person_id
string text
string language
uint8 severity
string answers
string exercise
uint32 repetition
builtin_interfaces/Time event_stamp
uint8 output
string wav_path
""",
        "EmgActivation": """\
std_msgs/Header header
string person_id
float64 delay_s
MuscleActivation[] muscles
Estimate co_contraction
Estimate asymmetry
Estimate local_share
""",
        "EmgChannel": """\
string label
uint8 muscle
uint8 side
uint8 quality
float32 noise_v
""",
        "EmgRaw": """\
std_msgs/Header header
string person_id
string source
uint64 first_sample
uint32 lost_before
float64 sample_rate_hz
float64 stamp_sigma_s
EmgChannel[] channels
uint32 n_samples
float32[] data
""",
        "Estimate": """\
uint8 status
uint8 reason
float64 value
float64 sigma
""",
        "Fault": """\
string id
uint8 severity
float32 confidence
string body_part
string unit
Estimate measured
float64 allowed_min
float64 allowed_max
builtin_interfaces/Time start
builtin_interfaces/Time end
float32 points_lost
""",
        "Keypoint": """\
string name
uint8 status
uint8 reason
geometry_msgs/Point position
float32 sigma_m
float32[6] covariance
float32 visibility
float32[2] pixel
""",
        "MuscleActivation": """\
EmgChannel channel
Estimate activation
Estimate envelope
bool active
builtin_interfaces/Time since
Estimate median_frequency
Estimate fatigue_slope
""",
        "PelvisState": """\
std_msgs/Header header
string person_id
uint8 method
bool pose_known
geometry_msgs/PoseWithCovariance pose
Estimate tilt
Estimate obliquity
Estimate rotation
Estimate lumbar_flexion
Estimate tilt_relative
Estimate obliquity_relative
Estimate rotation_relative
Estimate lumbar_flexion_relative
bool neutral_known
builtin_interfaces/Time neutral_stamp
""",
        "QualityLive": """\
std_msgs/Header header
string person_id
string exercise
uint8 side
uint8 phase
Estimate progress
uint32 repetitions
Fault[] faults
string[] missing
""",
        "Repetition": """\
std_msgs/Header header
string person_id
string exercise
uint32 index
uint8 side
uint8 outcome
builtin_interfaces/Time start
builtin_interfaces/Time target
builtin_interfaces/Time end
Estimate range_of_motion
Estimate score
uint8 grade
SubScore[] sub_scores
Fault[] faults
""",
        "SessionState": """\
std_msgs/Header header
string session_id
string person_id
uint8 state
string exercise
uint8 side
uint32 set_index
uint32 repetitions_done
uint32 repetitions_target
""",
        "SubScore": """\
uint8 kind
Estimate value
float32 weight
float32 points_lost
""",
    },
    {
        "BodyPose": """\
std_msgs/Header header
string person_id
uint32 track_id
uint8 people_in_view
uint8 mode
uint8 reason
uint8 posture
float32 posture_confidence
string backend
Keypoint[] keypoints
bool gravity_known
geometry_msgs/Vector3 up
float32 up_sigma_rad
Estimate support_height
""",
        "Repetition": """\
std_msgs/Header header
string person_id
string exercise
uint32 index
uint8 side
uint8 outcome
builtin_interfaces/Time start
builtin_interfaces/Time target
builtin_interfaces/Time end
Estimate range_of_motion
Estimate score
uint8 grade
SubScore[] sub_scores
Fault[] faults
string[] not_assessed
""",
    },
    {
        "Cue": """\
std_msgs/Header header
string person_id
string text
string language
uint8 severity
string answers
string session_id
uint32 set_index
string exercise
uint32 repetition
builtin_interfaces/Time event_stamp
uint8 output
string wav_path
""",
        "QualityLive": """\
std_msgs/Header header
string person_id
string session_id
uint32 set_index
string exercise
uint8 side
uint8 phase
Estimate progress
uint32 repetitions
Fault[] faults
string[] missing
""",
        "Repetition": """\
std_msgs/Header header
string person_id
string session_id
uint32 set_index
string exercise
uint32 index
uint8 side
uint8 outcome
builtin_interfaces/Time start
builtin_interfaces/Time target
builtin_interfaces/Time end
Estimate range_of_motion
Estimate score
uint8 grade
SubScore[] sub_scores
Fault[] faults
string[] not_assessed
""",
    },
    {
        "BodyPose": """\
std_msgs/Header header
string person_id
uint32 track_id
uint8 people_in_view
uint8 mode
uint8 reason
uint8 posture
float32 posture_confidence
string backend
uint32 image_width
uint32 image_height
Keypoint[] keypoints
bool gravity_known
geometry_msgs/Vector3 up
float32 up_sigma_rad
Estimate support_height
""",
        "Fault": """\
string id
uint8 severity
float32 confidence
string body_part
string unit
Estimate measured
bool has_min
bool has_max
float64 allowed_min
float64 allowed_max
builtin_interfaces/Time start
builtin_interfaces/Time end
float32 points_lost
""",
        "PelvisState": """\
std_msgs/Header header
string person_id
uint32 track_id
uint8 method
bool pose_known
geometry_msgs/PoseWithCovariance pose
Estimate tilt
Estimate obliquity
Estimate rotation
Estimate lumbar_flexion
Estimate tilt_relative
Estimate obliquity_relative
Estimate rotation_relative
Estimate lumbar_flexion_relative
uint8 neutral_source
builtin_interfaces/Time neutral_stamp
""",
    },
    {
        "PelvisLandmarks": """\
std_msgs/Header header
string person_id
uint32 track_id
Keypoint[] landmarks
""",
    },
    {
        "EmgChannel": """\
string label
uint8 muscle
uint8 side
uint8 quality
float32 noise_v
string unit
""",
    },
    {
        "Breath": """\
std_msgs/Header header
string person_id
uint32 track_id
Estimate belly
Estimate chest
""",
    },
]
