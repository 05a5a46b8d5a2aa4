"""Whether state and action speak of the same joints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from lerobot_drivers.common.health import Level
from lerobot_drivers.common.naming import ACTION, OBSERVATION_STATE
from lerobot_recorder.channels import NumericChannel
from lerobot_recorder.findings import Finding
from lerobot_recorder.numeric_fields import SUFFIXES
from lerobot_recorder.row_plan import RowPlan

SUBJECT = f'joints of {ACTION}'
POSITION = SUFFIXES['position']
FEW = 4
"""So many names are told, of more the number."""


@dataclass(frozen=True)
class Elements:
    """The elements of a feature.

    Attributes:
        topics: the topics it comes from.
        names: its joints as the dataset names them; what is no position is not compared.
    """

    topics: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def told(self) -> str:
        """Its topics, for people."""
        return ', '.join(self.topics)


def check_names(plan: RowPlan) -> list[Finding]:
    """Return whether the joints of state and action differ, at most one line.

    Args:
        plan: how rows are made, learnt.
    """
    state, action = _elements(plan, OBSERVATION_STATE), _elements(plan, ACTION)
    return list(_compare(state, action)) if state and action else []


def _elements(plan: RowPlan, feature: str) -> Elements | None:
    channels = [c for c in plan.channels.get(feature, ()) if isinstance(c, NumericChannel)]
    topics = tuple(dict.fromkeys(channel.source.topic for channel in channels))
    names = tuple(n for channel in channels for n in channel.names if n.endswith(POSITION))
    return Elements(topics, names) if names else None


def _compare(state: Elements, action: Elements) -> Iterator[Finding]:
    if state.names == action.names:
        return
    level = Level.WARN
    shared = set(state.names) & set(action.names)
    if set(state.names) == set(action.names):
        text = f'{action.told} has them in another order than {state.told}'
        yield Finding(level, SUBJECT, text, 'give both the same joints: [...]')
    elif shared:
        lacks = [name for name in state.names if name not in shared]
        more = [name for name in action.names if name not in shared]
        parts = [f'lacks {_list(lacks)} of {state.told}'] if lacks else []
        parts += [f'has {_list(more)}, which {state.told} has not'] if more else []
        advice = 'name in both what the policy is to see and to move (joints: [...])'
        yield Finding(level, SUBJECT, f'{action.told} {" and ".join(parts)}', advice)
    else:
        yield _strangers(state, action)


def _strangers(state: Elements, action: Elements) -> Finding:
    """Return the finding of two that share no name: by a prefix, or altogether."""
    first, second = _stripped(state.names), _stripped(action.names)
    advice = 'give one of them the names of the other (names: [...]), if they are the same joints'
    if first and set(first) == set(second):
        text = (
            f'{action.told} and {state.told} differ by what stands around them, such as '
            f'{action.names[0]}, {state.names[second.index(first[0])]}'
        )
        return Finding(Level.WARN, SUBJECT, text, advice)
    text = (
        f'{action.told} shares none with {state.told}: it has {_list(action.names)}, '
        f'there are {_list(state.names)}'
    )
    return Finding(Level.WARN, SUBJECT, text, advice)


def _stripped(names: Sequence[str]) -> list[str]:
    """Return names without the beginning and the end that all of them have."""
    if len(names) < 2:
        return list(names)
    begin, end = _shared(names), _shared([name[::-1] for name in names])
    return [name[begin : len(name) - end] for name in names]


def _shared(names: Sequence[str]) -> int:
    """Return how many letters all names have in common at their beginning."""
    pairs = zip(min(names), max(names), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _list(names: Sequence[str]) -> str:
    if len(names) <= FEW + 1:
        return ', '.join(names)
    return f'{", ".join(names[:FEW])} and {len(names) - FEW} more'
