"""Says the next correction, praise, count or prompt: quality in, cues and sound out."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from lbp_rehab import msg
from lbp_rehab.errors import InputError
from lbp_rehab.feedback.cues import LIVE_FROM, CuePolicy, CueSettings
from lbp_rehab.feedback.prompts import PROMPTS, Prompter
from lbp_rehab.feedback.set_tally import SetTally
from lbp_rehab.feedback.speech import Speaker, Utterance
from lbp_rehab.feedback.texts import likely, load_texts, missing_texts, with_own
from lbp_rehab.feedback.types import Cue, Output, SetDone
from lbp_rehab.feedback.voices import CommandVoice, Saying
from lbp_rehab.languages import known_languages
from lbp_rehab.nodes import convert, qos
from lbp_rehab.nodes.base import LbpNode, run
from lbp_rehab.nodes.convert_feedback import (
    exercise_of,
    from_live,
    from_repetition,
    to_cue,
    value_of,
)
from lbp_rehab.nodes.parameters import EXERCISE_FOLDER, Parameter, exercise_folder
from lbp_rehab.quality.exercise import Exercise, known_exercises
from lbp_rehab.quality.types import Phase

STATES = msg.SessionState
TICK_S = 0.1  # how late a cue may be that waited for its turn
OPEN_END_COUNTS = 20  # counts to have spoken in advance when the set has no target


class FeedbackSpeaker(LbpNode):
    """Chooses one short cue at a time and speaks it."""

    NAME = "feedback_speaker"
    PARAMETERS = (
        Parameter("language", "en", "language of the cues, BCP 47", choices=known_languages()),
        EXERCISE_FOLDER,
        Parameter("voice_rate", 150, "[words/min] speed of the voice", 80, 300, live=True),
        Parameter(
            "voice_command", "", "another voice than eSpeak NG, with {wav} for the file to write"
        ),
        Parameter("voice_timeout_s", 5.0, "[s] a run of voice_command that takes longer is ended",
                  0.1, 60.0),
        Parameter("mute", False, "text only", live=True),
        Parameter("wav_folder", "voice", "where the spoken WAV files go"),
        Parameter("min_interval_s", 4.0, "[s] least time between cues", 0.0, 60.0),
        Parameter("max_age_s", 1.5, "[s] an older event is not answered any more", 0.1, 60.0),
        Parameter("min_points", 2.0, "a fault that costs less is not corrected", 0.0, 100.0),
        Parameter("worse_points", 5.0, "costing this much more, it is corrected again", 0.1, 100.0),
        Parameter("live_from", "moderate", "faults to correct during the movement",
                  choices=LIVE_FROM),
        Parameter("interrupt_info", False, "a correction cuts off a count, praise or prompt"),
        Parameter("prompts", "none", "what to lead through", choices=PROMPTS),
        Parameter("say_grade", True, "say the grade after each repetition and set"),
        Parameter("say_count", True, "count complete repetitions"),
        Parameter("praise", True, "praise when a fault that was corrected is gone"),
        Parameter("grade_thresholds", [60.0, 75.0, 85.0, 95.0],
                  "of a set's mean score, as in quality_scorer", 0.0, 100.0),
    )  # fmt: skip

    def __init__(self, **node_options: Any) -> None:
        super().__init__(**node_options)
        s = self.settings
        if len(s["grade_thresholds"]) != 4 or s["grade_thresholds"] != sorted(
            set(s["grade_thresholds"])
        ):
            raise InputError("parameter 'grade_thresholds' must be four rising numbers")
        self._exercises = exercise_folder(s)
        known_exercises(self._exercises)  # a wrong folder is told at once
        self._exercise: Exercise | None = None  # of the set
        self._texts = self._general = load_texts(s["language"])  # of the set; of all sets
        chosen = {f.name: s[f.name] for f in fields(CueSettings) if f.name in s}
        self._policy = CuePolicy(self._texts, s["language"], CueSettings(**chosen))
        self._prompter = Prompter(self._texts, s["language"], s["prompts"])
        self._tally = SetTally()
        self._set: msg.SessionState | None = None  # the latest state of a set
        self._folder = Path(s["wav_folder"]).expanduser()
        command = s["voice_command"]
        voice = CommandVoice(command, s["voice_timeout_s"]) if command else None
        self._speaker = Speaker(self._folder, s["mute"], voice, s["max_age_s"])
        self._missing = ""  # the exercise, or texts of it
        self._prepare((), 0)
        self._publish = self.advertise(msg.Cue, "feedback/cue", qos.RESULT)
        self.subscribe(msg.QualityLive, "quality/live", self._on_live, qos.RESULT)
        self.subscribe(msg.Repetition, "quality/repetition", self._on_repetition, qos.RESULT)
        self.subscribe(msg.SessionState, "session/state", self._on_session, qos.LATCHED)
        self.every(TICK_S, self._on_tick)

    def on_settings_changed(self) -> None:
        """Mute or unmute at once."""
        self._speaker.mute = self.settings["mute"]

    def _on_session(self, message: msg.SessionState) -> None:
        ended = message.state in (STATES.STATE_FINISHED, STATES.STATE_RESTING) or (
            message.state == STATES.STATE_ABORTED and message.repetitions_target == 0
        )
        if message.state == STATES.STATE_EXERCISING:
            self._enter(message, message.repetitions_done, message.repetitions_target)
        elif ended and self._tally.is_in(message.session_id, message.set_index):
            self._tally.over, self._set = True, message
            grade = self._tally.grade(self.settings["grade_thresholds"])
            done = SetDone(convert.to_ns(message.header.stamp), grade)
            self._give(self._policy.on_set(self._now_ns(), done), message)

    def _on_repetition(self, message: msg.Repetition) -> None:
        self._enter(message)
        complete = message.outcome == msg.Repetition.OUTCOME_COMPLETE
        self._tally.add(message.index, complete, value_of(message.score))
        event = from_repetition(message, self._exercise, self._tally.count)
        self._give(self._policy.on_repetition(self._now_ns(), event), message)

    def _on_live(self, message: msg.QualityLive) -> None:
        if not message.exercise:
            return
        self._enter(message, message.repetitions)
        repetition = self._tally.index + 1
        event = from_live(message, self._exercise, repetition)
        now_ns, phase = self._now_ns(), Phase(message.phase)
        prompt = self._prompter.update(event.stamp_ns, phase, repetition)
        cue = self._policy.on_faults(now_ns, event) or self._policy.on_prompt(now_ns, prompt)
        self._give(cue, message)

    def _on_tick(self) -> None:
        if self._set is not None:
            self._give(self._policy.on_tick(self._now_ns()), self._set)

    def _enter(self, message: Any, done: int = 0, target: int = 0) -> None:
        if not self._tally.enter(message.session_id, message.set_index, done):
            return
        exercise, self._missing = exercise_of(message.exercise, self._exercises)
        self._exercise, self._texts, hold = exercise, self._general, None
        cues: tuple[str, ...] = ()
        if exercise is not None:
            language, cues = self.settings["language"], tuple(exercise.cues.values())
            self._texts = with_own(self._general, exercise.texts.get(language, {}))
            hold = exercise.tempo.get(Phase.HOLD)
            self._missing = missing_texts(self._texts, language, exercise.name, cues)
        self._policy.reset(self._texts)
        self._prompter.begin(hold.low_s if hold else 0.0)
        self._prepare(cues, target or OPEN_END_COUNTS)

    def _prepare(self, cues: tuple[str, ...], repetitions: int) -> None:
        language, prompts = self.settings["language"], self._prompter.texts()
        texts = likely(self._texts, language, cues, repetitions, prompts)
        self._speaker.prepare(self._saying(text) for text in texts)

    def _saying(self, text: str) -> Saying:
        return Saying(text, self.settings["language"], self.settings["voice_rate"])

    def _now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def _give(
        self, cue: Cue | None, to: msg.Repetition | msg.QualityLive | msg.SessionState
    ) -> None:
        if cue is None:
            return
        stamp_ns = self._now_ns()
        name = f"{stamp_ns}_{cue.answers}.wav"
        said = Utterance(self._saying(cue.text), self._folder / name, cue.urgent)
        output = self._speaker.say(said)
        language = self.settings["language"]
        self._publish(to_cue(cue, to, stamp_ns, language=language, output=output, wav=name))

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Report how cues come out, and what is in the way."""
        values = {**self._speaker.values(), "too_late": str(self._policy.too_late)}
        late_s, sentence = self._policy.late_by_s, self._speaker.problem or self._missing
        if late_s > 0:
            sentence = f"cues are dropped as too late: the stamps lag the clock by {late_s:.1f} s"
        elif not sentence and self._speaker.output == Output.FILE:
            sentence = "no sound device: cues go to WAV files only"
        level = DiagnosticStatus.WARN if sentence else DiagnosticStatus.OK
        return level, sentence or "running", values

    def close(self) -> None:
        """End the voice."""
        self._speaker.close()


def main() -> int:
    """Run the node."""
    return run(FeedbackSpeaker)


if __name__ == "__main__":
    sys.exit(main())
