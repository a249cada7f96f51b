"""Says the next correction, praise or count: quality in, cues and sound out."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from lbp_rehab import msg
from lbp_rehab.feedback.cues import CuePolicy, CueSettings
from lbp_rehab.feedback.speech import Speaker, Utterance
from lbp_rehab.feedback.texts import GRADES, known_languages, load_texts
from lbp_rehab.feedback.types import Cue, FaultsNow, Output, Problem, RepetitionDone
from lbp_rehab.nodes import convert, qos
from lbp_rehab.nodes.base import LbpNode, run
from lbp_rehab.nodes.parameters import Parameter
from lbp_rehab.quality.exercise import load_exercise

STATE_EXERCISING = msg.SessionState.STATE_EXERCISING


@lru_cache
def _cues_of(exercise: str) -> dict[str, str]:
    return dict(load_exercise(exercise).cues)


class FeedbackSpeaker(LbpNode):
    """Chooses one short cue at a time and speaks it."""

    NAME = "feedback_speaker"
    PARAMETERS = (
        Parameter("language", "en", "language of the cues, BCP 47", choices=known_languages()),
        Parameter("voice_rate", 150, "[words/min] speed of the voice", 80, 300, live=True),
        Parameter("mute", False, "text only", live=True),
        Parameter("wav_folder", "voice", "where the spoken WAV files go"),
        Parameter("min_interval_s", 4.0, "[s] least time between cues", 0.0, 60.0),
        Parameter("max_age_s", 1.5, "[s] an older event is not answered any more", 0.1, 60.0),
        Parameter("min_points", 2.0, "a fault that costs less is not corrected", 0.0, 100.0),
        Parameter("live_corrections", True, "correct severe faults during the movement"),
        Parameter("say_grade", True, "say the grade after each repetition"),
        Parameter("say_count", True, "count complete repetitions"),
        Parameter("praise", True, "praise when a fault is gone"),
    )

    def __init__(self, **node_options: Any) -> None:
        super().__init__(**node_options)
        s = self.settings
        self._policy = CuePolicy(
            load_texts(s["language"]),
            s["language"],
            CueSettings(
                min_interval_s=s["min_interval_s"],
                max_age_s=s["max_age_s"],
                min_points=s["min_points"],
                live_corrections=s["live_corrections"],
                say_grade=s["say_grade"],
                say_count=s["say_count"],
                praise=s["praise"],
            ),
        )
        self._folder = Path(s["wav_folder"]).expanduser()
        self._speaker = Speaker(self._folder, s["mute"])
        self._count = 0
        self._set: tuple[str, int] | None = None
        self._publish = self.advertise(msg.Cue, "feedback/cue", qos.RESULT)
        self.subscribe(msg.QualityLive, "quality/live", self._on_live, qos.RESULT)
        self.subscribe(msg.Repetition, "quality/repetition", self._on_repetition, qos.RESULT)
        self.subscribe(msg.SessionState, "session/state", self._on_session, qos.LATCHED)

    def on_settings_changed(self) -> None:
        """Mute or unmute at once."""
        self._speaker.mute = self.settings["mute"]

    def _on_session(self, message: msg.SessionState) -> None:
        now = (message.session_id, message.set_index)
        if message.state == STATE_EXERCISING and now != self._set:
            self._set, self._count = now, 0
            self._policy.reset()

    def _on_repetition(self, message: msg.Repetition) -> None:
        complete = message.outcome == msg.Repetition.OUTCOME_COMPLETE
        self._count = 1 if message.index == 1 and complete else self._count + complete
        event = RepetitionDone(
            stamp_ns=convert.to_ns(message.end),
            index=message.index,
            complete=complete,
            count=self._count,
            grade=GRADES[message.grade - 1] if message.grade else "",
            problems=self._problems(message.exercise, message.faults),
        )
        cue = self._policy.on_repetition(self._now_ns(), event)
        self._give(cue, message)

    def _on_live(self, message: msg.QualityLive) -> None:
        if not message.faults:
            return
        event = FaultsNow(
            stamp_ns=convert.to_ns(message.header.stamp),
            repetition=message.repetitions + 1,
            problems=self._problems(message.exercise, message.faults),
        )
        cue = self._policy.on_faults(self._now_ns(), event)
        self._give(cue, message)

    def _problems(self, exercise: str, faults: Iterable[msg.Fault]) -> tuple[Problem, ...]:
        cues = _cues_of(exercise)
        return tuple(
            Problem(f.id, cues[f.id], f.severity, f.points_lost) for f in faults if f.id in cues
        )

    def _now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def _give(self, cue: Cue | None, to: msg.Repetition | msg.QualityLive) -> None:
        if cue is None:
            return
        stamp_ns = self._now_ns()
        name = f"{stamp_ns}_{cue.answers}.wav"
        utterance = Utterance(
            cue.text,
            self.settings["language"],
            self.settings["voice_rate"],
            self._folder / name,
            urgent=cue.severity == msg.Cue.SEVERITY_STOP,
        )
        output = self._speaker.say(utterance)
        message = msg.Cue(
            person_id=to.person_id,
            session_id=to.session_id,
            set_index=to.set_index,
            text=cue.text,
            language=self.settings["language"],
            severity=int(cue.severity),
            answers=cue.answers,
            exercise=to.exercise,
            repetition=cue.repetition,
            event_stamp=convert.to_stamp(cue.event_stamp_ns),
            output=int(output),
            wav_path="" if output == Output.TEXT_ONLY else name,
        )
        message.header.stamp = convert.to_stamp(stamp_ns)
        self._publish(message)

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Report how cues come out, and what is in the way."""
        speaker = self._speaker
        values = {
            "output": speaker.output.name.lower(),
            "player": speaker.player[0] if speaker.player else "none",
            "spoken": str(speaker.spoken),
            "failed": str(speaker.failed),
            "skipped": str(speaker.skipped),
            "too_late": str(self._policy.too_late),
            "voice_starts": str(speaker.espeak.starts),
        }
        if self._policy.late_by_s > 0:
            sentence = (
                "cues are dropped as too late: the stamps lag the clock by "
                f"{self._policy.late_by_s:.1f} s"
            )
            return DiagnosticStatus.WARN, sentence, values
        if speaker.problem:
            return DiagnosticStatus.WARN, speaker.problem, values
        if speaker.output == Output.FILE:
            return DiagnosticStatus.WARN, "no sound device: cues go to WAV files only", values
        return DiagnosticStatus.OK, "running", values

    def close(self) -> None:
        """End the voice."""
        self._speaker.close()


def main() -> int:
    """Run the node."""
    return run(FeedbackSpeaker)


if __name__ == "__main__":
    sys.exit(main())
