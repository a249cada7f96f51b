"""Which exercise it is, decided from pose after pose.

Twice or more a second the last three seconds are classified. What the windows say is added up as
log-probabilities that fade, so that one odd window changes nothing; windows in which the patient
rests say nothing, and the decision stays.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Reason
from lbp_rehab.paths import resource_dir
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.network import Network
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.recognition.classes import EXERCISES, NONE, REST
from lbp_rehab.recognition.features import LEAST_SEEN, STEP_NS, STEPS, WINDOW_NS, channels, window
from lbp_rehab.recognition.frame import GAP_NS
from lbp_rehab.recognition.observation import Course, Observation, observe
from lbp_rehab.stamps import NANOSECONDS

MODEL = "recognition.onnx"
_LEAST = 0.03  # no window says of anything that it is less likely


class Answer(IntEnum):
    """What is known of the exercise."""

    UNDECIDED = 0
    EXERCISE = 1
    NONE_OF_THESE = 2


@dataclass(frozen=True)
class Settings:
    """How decisions are made.

    Attributes
    ----------
    period_s : float
        Time between two classifications.
    fade_s : float
        Time of movement in which older evidence fades to 37 %.
    stay_s : float
        The same of the slower evidence that leaving a decided exercise needs as well.
    decide : float
        Probability from which an exercise is decided.
    reject : float
        Probability of "none of these" from which that is decided.
    strict : bool
        Whether an exercise is out of the question where the window's poses do not occur in it, and
        all are where their free energy (Liu et al. 2020, NeurIPS 33:21464) is low: the limits come
        with the network.
    least_movement_s : float
        Movement that must have been seen before anything is decided.
    reject_after_s : float
        The same for "none of these": the beginning of an exercise is often like none.
    forget_s : float
        Rest after which a decision no longer holds.
    """

    period_s: float = 0.2
    fade_s: float = 0.8
    stay_s: float = 2.0
    decide: float = 0.8
    reject: float = 0.6
    strict: bool = True
    least_movement_s: float = 0.5
    reject_after_s: float = 1.4
    forget_s: float = 30.0


@dataclass(frozen=True)
class Recognition:
    """What is known at one instant.

    Attributes
    ----------
    stamp_ns : int
    answer : Answer
    exercise : str or None
        Where the answer is ``EXERCISE``.
    probability : float
        Of the answer by the evidence; 0 while undecided.
    runner_up : str or None
        The next likely exercise; while undecided the likeliest.
    runner_up_probability : float
    since_ns : int
        Stamp since when the answer has been the same.
    track_id : int
        Whom it is about.
    resting : bool
        Whether the patient hardly moves.
    reason : Reason
        Why it is undecided: nobody, no gravity, too early, or too uncertain.
    """

    stamp_ns: int
    answer: Answer
    exercise: str | None
    probability: float
    runner_up: str | None
    runner_up_probability: float
    since_ns: int
    track_id: int
    resting: bool
    reason: Reason


class Recogniser:
    """Recognises the exercise of one person.

    It starts anew when stamps go back, when nothing was seen for longer than a window, and with
    another person (``track_id``).

    Parameters
    ----------
    settings : Settings
    model : Path, optional
        Instead of the network in ``resource/models``.
    """

    def __init__(self, settings: Settings | None = None, model: Path | None = None) -> None:
        self.settings = settings or Settings()
        self._network = Network(model or resource_dir() / "models" / MODEL)
        self._track_id = 0
        self.reset()

    def reset(self) -> None:
        """Forget all that was seen."""
        self._seen: deque[Observation] = deque()
        self._next_ns = 0
        self._evidence, self._slow = np.zeros(NONE + 1), np.zeros(NONE + 1)
        self._first_ns = 0
        self._moved_s = self._rested_s = 0.0
        self._answer, self._exercise = Answer.UNDECIDED, -1
        self._since_ns = 0
        self._resting = True
        self._reason = Reason.TOO_EARLY

    def update(self, pose: BodyPose, pelvis: PelvisState | None = None) -> Recognition:
        """Take a pose, and the pelvis of the same instant where it was measured.

        Without a pelvis all exercises are recognised that move the limbs or the trunk; breathing
        and a slight pelvic tilt can hardly be told from rest.
        """
        return self.take(pose.stamp_ns, observe(pose, pelvis), pose.track_id)

    def take(self, stamp_ns: int, seen: Observation | None, track_id: int) -> Recognition:
        """Take what a pose shows; None if its gravity is unknown."""
        last_ns = self._seen[-1].stamp_ns if self._seen else None
        if last_ns is not None and not 0 < stamp_ns - last_ns <= WINDOW_NS:
            self.reset()
        if seen is not None and seen.known.any() and track_id != self._track_id:
            self.reset()
            self._track_id = track_id
        if self._since_ns == 0:
            self._since_ns = stamp_ns
        if seen is None:
            return self._recognition(stamp_ns, Reason.NO_GRAVITY)
        if not seen.known.any():
            return self._recognition(stamp_ns, Reason.NO_PERSON)
        self._first_ns = self._first_ns or stamp_ns
        self._seen.append(seen)
        while self._seen[0].stamp_ns < stamp_ns - WINDOW_NS - GAP_NS:
            self._seen.popleft()
        if stamp_ns >= self._next_ns:
            self._look(stamp_ns)
        return self._recognition(stamp_ns, self._reason)

    def _look(self, stamp_ns: int) -> None:
        """Classify the last seconds, and decide."""
        period_s = self.settings.period_s
        self._next_ns = stamp_ns + round(period_s * NANOSECONDS)
        if stamp_ns - self._seen[0].stamp_ns < NANOSECONDS:
            return
        stretch = window(Course.of(list(self._seen)), stamp_ns)
        if stretch is None:
            self._reason = Reason.TOO_UNCERTAIN
            return
        # What was not seen of the window makes it say less, and at some point nothing.
        steps = min((stamp_ns - self._first_ns) // STEP_NS + 1, STEPS)
        share = float(stretch.known.sum()) / (steps * stretch.known.shape[1])
        if share < LEAST_SEEN:
            self._reason = Reason.TOO_UNCERTAIN
            return
        logits, far, limits = (v.astype(float) for v in self._network(window=channels(stretch)))
        probability = softmax(logits)
        moving = 1.0 - float(probability[REST])
        self._resting = moving < 0.5
        said = probability[:REST] / max(moving, 1e-6)
        if self.settings.strict:
            strange = (far > limits[:NONE]) | (energy(logits) < limits[NONE:])
            said[NONE] += said[:NONE][strange].sum()
            said[:NONE][strange] = 0.0
        said = np.maximum(said, _LEAST)
        weight = moving * share
        passed_s = weight * period_s
        news = weight * np.log(said / said.sum())
        self._evidence = np.exp(-passed_s / self.settings.fade_s) * self._evidence + news
        self._slow = np.exp(-passed_s / self.settings.stay_s) * self._slow + news
        self._moved_s += passed_s
        self._rested_s = 0.0 if moving > 0.5 else self._rested_s + period_s
        self._decide(stamp_ns)

    def _decide(self, stamp_ns: int) -> None:
        settings = self.settings
        probability, slow = softmax(self._evidence), softmax(self._slow)
        best = int(np.argmax(probability[:NONE]))
        # An exercise that was decided is left only if the slower evidence says so too.
        free = self._answer != Answer.EXERCISE
        if self._rested_s >= settings.forget_s:
            self._moved_s = 0.0
            self._evidence, self._slow = np.zeros(NONE + 1), np.zeros(NONE + 1)
            self._settle(Answer.UNDECIDED, -1, stamp_ns)
        elif self._moved_s < settings.least_movement_s:
            self._reason = Reason.TOO_EARLY
        elif probability[best] >= settings.decide and (free or slow[best] >= settings.decide):
            self._settle(Answer.EXERCISE, best, stamp_ns)
        elif probability[NONE] >= settings.reject and (free or slow[NONE] >= settings.reject):
            if self._moved_s >= settings.reject_after_s:
                self._settle(Answer.NONE_OF_THESE, -1, stamp_ns)
            else:
                self._reason = Reason.TOO_EARLY
        else:
            self._reason = Reason.TOO_UNCERTAIN

    def _settle(self, answer: Answer, exercise: int, stamp_ns: int) -> None:
        if (answer, exercise) != (self._answer, self._exercise):
            self._since_ns = stamp_ns
        self._answer, self._exercise = answer, exercise
        self._reason = Reason.TOO_EARLY if answer == Answer.UNDECIDED else Reason.NONE

    def _recognition(self, stamp_ns: int, reason: Reason) -> Recognition:
        decided = self._answer != Answer.UNDECIDED
        probability = softmax(self._evidence)
        chosen = self._exercise if self._answer == Answer.EXERCISE else NONE
        others = probability[:NONE].copy()
        if self._answer == Answer.EXERCISE:
            others[chosen] = -1.0
        next_best = int(np.argmax(others))
        some = self._moved_s > 0.0
        return Recognition(
            stamp_ns=stamp_ns,
            answer=self._answer,
            exercise=EXERCISES[chosen] if self._answer == Answer.EXERCISE else None,
            probability=float(probability[chosen]) if decided else 0.0,
            runner_up=EXERCISES[next_best] if some else None,
            runner_up_probability=float(others[next_best]) if some else 0.0,
            since_ns=self._since_ns,
            track_id=self._track_id,
            resting=self._resting,
            reason=Reason.NONE if decided else reason,
        )


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities of logits."""
    raised = np.exp(logits - logits.max())
    return np.asarray(raised / raised.sum())


def energy(logits: NDArray[np.float64]) -> float:
    """Return the free energy of the exercises' logits with its sign turned: high where familiar."""
    some = logits[:NONE]
    top = float(some.max())
    return top + float(np.log(np.exp(some - top).sum()))
