"""From degrees of freedom to a posed body that rests on its support, posture by posture.

A poser finds at the start where the person's contacts are (feet, hands, knees, elbows), and then
for each row of `Dof` the trunk that satisfies them: one unknown is solved so that what should touch
the support does, and planted limbs follow by two-bone inverse kinematics.
"""

from __future__ import annotations

from dataclasses import replace

from lbp_rehab.synthetic.motion.others import posed_as
from lbp_rehab.synthetic.motion.postures.line import Plank, SideBridge
from lbp_rehab.synthetic.motion.postures.poser import Habit, Poser, Row
from lbp_rehab.synthetic.motion.postures.prone import Prone
from lbp_rehab.synthetic.motion.postures.quadruped import Quadruped
from lbp_rehab.synthetic.motion.postures.side import Side
from lbp_rehab.synthetic.motion.postures.standing import Standing
from lbp_rehab.synthetic.motion.postures.supine import Supine
from lbp_rehab.synthetic.person.body import Body

__all__ = ["Habit", "Poser", "poser"]


def poser(
    exercise: str, body: Body, rest: Row, habit: Habit | None = None, side: str = "left"
) -> Poser:
    """Return the poser of an exercise.

    Parameters
    ----------
    rest : ndarray, shape (len(Dof),)
        `Movement.rest`.
    side : str
        Which side is up in the exercises on the side, "left" or "right".
    """
    exercise = posed_as(exercise)
    own = habit or Habit()
    upper = "r" if side == "right" else "l"
    if exercise == "plank":
        return Plank(body, own, rest)
    if exercise == "clam":
        return Side(body, own, rest, upper)
    if exercise == "side_bridge":
        return SideBridge(body, own, rest, upper)
    if exercise in ("bird_dog", "cat_camel"):
        return Quadruped(body, replace(own, stance_m=0.5 * own.stance_m), rest)
    if exercise == "press_up":
        return Prone(body, own, rest)
    if exercise in ("forward_bend", "backward_bend"):
        return Standing(body, own, rest)
    return Supine(body, own, rest)
