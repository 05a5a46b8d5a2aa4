"""All that does not go together, in one list."""

from __future__ import annotations

from collections.abc import Sequence

from lerobot_recorder.disagreements.ear import Ear
from lerobot_recorder.disagreements.names import check_names
from lerobot_recorder.disagreements.pictures import check_pictures
from lerobot_recorder.disagreements.signals import Scenes, Signal
from lerobot_recorder.disagreements.times import check_times
from lerobot_recorder.disagreements.values import check_values
from lerobot_recorder.findings import Finding
from lerobot_recorder.row_plan import RowPlan


def disagreements(
    plan: RowPlan, signals: Sequence[Signal], scenes: Sequence[Scenes] = ()
) -> list[Finding]:
    """Return what does not go together, one line each, the worst first.

    Args:
        plan: how rows are made, learnt.
        signals: the streams of numbers, as they were heard.
        scenes: the streams of pictures.
    """
    found = [
        *check_names(plan),
        *check_values(signals),
        *check_times(signals, plan.mapping.fps),
        *check_pictures(scenes),
    ]
    return sorted(found, key=lambda finding: -finding.level)


def heard_disagreements(plan: RowPlan, ear: Ear) -> list[Finding]:
    """Return what does not go together in what was heard."""
    return disagreements(plan, ear.signals(), ear.scenes())
