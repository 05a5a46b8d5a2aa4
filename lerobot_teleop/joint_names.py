"""What a robot calls the joints of its operator's arm."""

from __future__ import annotations

from collections.abc import Sequence


def on_robot(theirs: Sequence[str], ours: Sequence[str]) -> list[str]:
    """Return a robot's names of a leader's joints, in the leader's order.

    A robot that carries an arm puts something in front of the names of its joints, as LeKiwi
    has ``arm_gripper`` where the leader has ``gripper``. Where that is not so, or where two
    arms could be meant, the names stay.

    Args:
        theirs: the leader's joints.
        ours: the robot's.
    """
    known = set(ours)
    first = theirs[0] if theirs else ''
    fronts = {name.removesuffix(first) for name in ours if name.endswith(first)}
    fitting = [front for front in fronts if all(f'{front}{name}' in known for name in theirs)]
    return [f'{fitting[0]}{name}' for name in theirs] if len(fitting) == 1 else list(theirs)
