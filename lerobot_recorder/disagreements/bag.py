"""What does not go together in a bag that nobody has converted yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.bag_time import bag_time
from lerobot_recorder.disagreements.check import heard_disagreements
from lerobot_recorder.disagreements.ear import Ear
from lerobot_recorder.findings import Finding
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.row_plan import RowPlan

LOOK_NS = 60 * NS_PER_S
"""So much of a bag is looked at [ns]."""


def bag_disagreements(bag: BagReader, features: Mapping[str, Any], fps: int) -> list[Finding]:
    """Return what does not go together in the first minute of a bag, by its features.

    Args:
        bag: the bag, open.
        features: as a mapping holds them, all decided.
        fps: rows per second.

    Raises:
        BagError: the bag is damaged.
    """
    if not features:
        return []
    mapping = build_mapping({'features': features, 'fps': fps}, 'recorder')
    plan = RowPlan(mapping, bag.types)
    try:
        _learn(bag, plan)
    except StreamError:
        return []  # whoever converts is told why it cannot be
    ear, base, begun_ns = Ear(plan, bag.types), bag_time(bag, mapping.topics()), None
    for raw in base.messages(bag, mapping.topics()):
        begun_ns = raw.received_ns if begun_ns is None else begun_ns
        if raw.received_ns - begun_ns > LOOK_NS:
            break
        ear.add(raw)
    return heard_disagreements(plan, ear)


def _learn(bag: BagReader, plan: RowPlan) -> None:
    for raw in bag.messages(plan.unlearned_topics()):
        plan.learn(raw)
        if plan.is_learned:
            break
    plan.settle()
