"""One topic's part of a feature, as a mapping describes it."""

from __future__ import annotations

import dataclasses
import math

from lerobot_drivers.common.config import STRICT_KEYS
from lerobot_drivers.common.units import JointUnit, NormMode
from lerobot_recorder.messages import StampClock
from lerobot_recorder.streams import Take, Window

POSITION = 'position'
STRING = 'string'
MAX_SAMPLES = 10_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class UnitConfig:
    """The unit of one joint in the dataset; see ``JointUnit``."""

    __pydantic_config__ = STRICT_KEYS

    mode: NormMode = NormMode.RADIANS
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        is_range = self.mode not in (NormMode.RADIANS, NormMode.DEGREES)
        if (self.lower is None) != (self.upper is None) or (is_range and self.lower is None):
            raise ValueError(f'mode {self.mode.value} needs both lower and upper')
        self.joint_unit()

    def joint_unit(self) -> JointUnit:
        """Return the map it names."""
        if self.lower is None or self.upper is None:
            return JointUnit(self.mode)
        return JointUnit(self.mode, self.lower, self.upper)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WindowConfig:
    """The samples that each row gets of a topic faster than the rows.

    Attributes:
        rate_hz: rate of the window's grid, as a rule the topic's own [1/s].
        samples: slots in a window, K; None covers one row's period.
    """

    __pydantic_config__ = STRICT_KEYS

    rate_hz: float
    samples: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.rate_hz <= 1e6:
            raise ValueError(f'rate_hz must be a rate above 0, found {self.rate_hz}')
        if self.samples is not None and not 1 <= self.samples <= MAX_SAMPLES:
            raise ValueError(f'samples must be 1 to {MAX_SAMPLES}, found {self.samples}')

    def window(self, fps: int) -> Window:
        """Return the grid of the windows of rows at a rate [1/s]."""
        return Window(self.samples or max(1, math.ceil(self.rate_hz / fps)), self.rate_hz)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransformConfig:
    """Two frames of a tree of transforms: where the child is, seen from the parent.

    Attributes:
        parent: frame in whose axes the pose is told.
        child: frame whose pose it is.
    """

    __pydantic_config__ = STRICT_KEYS

    parent: str
    child: str

    def __post_init__(self) -> None:
        if not self.parent.strip('/') or self.parent.strip('/') == self.child.strip('/'):
            raise ValueError(f'needs two frames, found {self.parent!r} and {self.child!r}')


@dataclasses.dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """One topic's part of a feature.

    Attributes:
        topic: absolute topic name.
        field: which quantity of a joint message: position, velocity or effort; of what a
            controller tells with its side, such as ``reference.position``; else a path.
        fields: dotted paths of the numbers that are taken, of whatever type; None leaves
            it to the type.
        labels: texts that may come; each becomes its number in this list.
        dtype: ``string`` keeps a text as it is, in a feature of its own.
        transform: which frames of a topic of transforms.
        depth: pictures of one channel of 16 bits are depth, or grey (False); None takes 16UC1
            for depth, and mono16 where the topic or the feature is called so.
        joints: names of the elements on the topic, in the dataset's order; None takes
            those that the first messages carry.
        names: their names in the dataset; None derives them from the joints.
        units: joint -> its unit in the dataset; those not named stay in rad or m.
        take: how it is taken at a tick; None decides by feature. What is interpolated and
            is a quaternion goes along the sphere.
        window: rows get windows of samples, shape [K, elements]; ``take`` is ``window``.
        clock: which clock stamps it.
        offset_ms: fixed latency of its stamps [ms].
        tolerance_ms: samples further apart have a gap between them [ms]; None takes three
            periods of the stream as measured before the take, and at least 100 ms.
        may_be_silent: silence is no gap; None decides: actions and what is held may.
    """

    __pydantic_config__ = STRICT_KEYS

    topic: str
    field: str = POSITION
    fields: list[str] | None = None
    labels: list[str] | None = None
    dtype: str | None = None
    transform: TransformConfig | None = None
    depth: bool | None = None
    joints: list[str] | None = None
    names: list[str] | None = None
    units: dict[str, UnitConfig] = dataclasses.field(default_factory=dict)
    take: Take | None = None
    window: WindowConfig | None = None
    clock: StampClock = StampClock.AUTO
    offset_ms: float = 0.0
    tolerance_ms: float | None = None
    may_be_silent: bool | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.offset_ms):
            raise ValueError(f'offset_ms must be a number, found {self.offset_ms}')
        if self.tolerance_ms is not None and not 0 < self.tolerance_ms < math.inf:
            raise ValueError(f'tolerance_ms must be above 0, found {self.tolerance_ms}')
        if self.joints is not None and (
            not self.joints or len(set(self.joints)) < len(self.joints)
        ):
            raise ValueError(f'joints must be different names, found {self.joints}')
        self._check_kind()
        if self.window is not None and self.take not in (None, Take.WINDOW):
            raise ValueError(f'a window is not taken by {self.take.value}; leave out take')
        if self.take is Take.WINDOW and self.window is None:
            raise ValueError('take: window needs window: {rate_hz: ...}')

    def _check_kind(self) -> None:
        for name in ('fields', 'labels'):
            listed = getattr(self, name)
            if listed is not None and (not listed or len(set(listed)) < len(listed)):
                raise ValueError(f'{name} must be different ones, found {listed}')
        if self.dtype not in (None, STRING):
            raise ValueError(f'dtype may be string, or is left out; found {self.dtype!r}')
        ways = [name for name in ('labels', 'dtype', 'transform') if getattr(self, name)]
        if len(ways) > 1 or (self.transform and self.fields):
            raise ValueError(f'{" and ".join([*ways, "fields"][:2])} exclude each other')
        if (self.labels or self.dtype) and len(self.fields or [0]) > 1:
            raise ValueError(f'one text is taken, found fields {self.fields}')
        if self.dtype and (self.window or self.take not in (None, Take.HOLD)):
            raise ValueError('a text is held, neither interpolated nor taken by windows')

    @property
    def text_path(self) -> str:
        """Where in a message its text is."""
        return self.fields[0] if self.fields else 'data'

    def grid(self, fps: int) -> Window | None:
        """Return the grid of its windows for rows at a rate [1/s], None if it has none."""
        return None if self.window is None else self.window.window(fps)
