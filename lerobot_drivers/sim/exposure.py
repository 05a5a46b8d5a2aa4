"""When a simulated camera exposes and when its pictures arrive.

A camera runs on a crystal of its own: its exposures are even, but at a phase nobody
chose and at a rate that is some parts per million off.
"""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass
from fractions import Fraction

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import ConfigError

SIZES = range(16, 4097)
RATES = range(1, 241)

_FRONT_LATENCY_S = 0.030
_LATENCIES_S = {'front': _FRONT_LATENCY_S, 'wrist': 0.045, 'side': 0.052, 'top': 0.060}
_JITTER_S = 0.003
_HICCUP_CHANCE = 0.05
_CLOCK_ERROR_PPM = 30.0


@dataclass
class CameraHabits:
    """What a camera is like; faults change it while it runs.

    Attributes:
        latency_s: from exposure to delivery, at least [s].
        jitter_s: how much more it may be, evenly spread; now and then twice that [s].
        clock_error_ppm: how much faster than the true time its clock runs.
        frozen: whether it delivers nothing.
    """

    latency_s: float
    jitter_s: float = _JITTER_S
    clock_error_ppm: float = 0.0
    frozen: bool = False

    @classmethod
    def of(cls, device: str) -> CameraHabits:
        """Return what the camera of that name is like; 30 ms late in front, others up to 60."""
        chance = random.Random(zlib.crc32(device.encode()))
        error = chance.uniform(-_CLOCK_ERROR_PPM, _CLOCK_ERROR_PPM)
        default = chance.uniform(_FRONT_LATENCY_S, max(_LATENCIES_S.values()))
        known = (late for key, late in _LATENCIES_S.items() if key in device)
        return cls(next(known, default), clock_error_ppm=error)

    def inject(self, device: str, fault: str, arguments: dict[str, object]) -> None:
        """Change the camera; see ``client.SimClient.inject``.

        Raises:
            ConfigError: the fault or its arguments are unknown.
        """
        try:
            self._change(device, fault, dict(arguments))
        except (TypeError, ValueError, KeyError) as error:
            raise ConfigError(f'fault {fault!r} of camera {device}: {error}') from error

    def _change(self, device: str, fault: str, arguments: dict[str, object]) -> None:
        if fault == 'freeze':
            self.frozen = True
        elif fault == 'latency':
            self.latency_s = float(str(arguments.pop('seconds')))
            self.jitter_s = float(str(arguments.pop('jitter', self.jitter_s)))
        elif fault == 'clock_error':
            self.clock_error_ppm = float(str(arguments.pop('ppm')))
        elif fault == 'clear':
            self.__dict__.update(vars(CameraHabits.of(device)))
        else:
            raise ConfigError(
                f'camera {device} knows no fault {fault!r}; '
                'known: clear, clock_error, freeze, latency'
            )
        if arguments:
            raise ValueError(f'unknown arguments {sorted(arguments)}')


@dataclass(frozen=True)
class Exposure:
    """One picture to come.

    Attributes:
        stamp_ns: when it is exposed.
        delivery_ns: when it reaches the client.
    """

    stamp_ns: int
    delivery_ns: int


class Shutter:
    """A camera's exposures in order.

    Args:
        device: its name, from which its phase and jitter follow.
        fps: its nominal rate [1/s].
        habits: what it is like; read anew for every picture.
        now_ns: no exposure before that.
    """

    def __init__(self, device: str, fps: int, habits: CameraHabits, now_ns: int) -> None:
        self._habits = habits
        self._chance = random.Random(zlib.crc32(device.encode()) ^ fps)
        self._period_ns = NS_PER_S / fps
        phase = self._chance.random()
        self._start_ns = now_ns
        since_epoch = Fraction(now_ns * fps, NS_PER_S)
        self._elapsed_ns = float(1 - since_epoch % 1 + Fraction(phase)) * self._period_ns
        self._delivery_ns = 0

    def next(self) -> Exposure:
        """Return the next exposure."""
        stamp_ns = self._start_ns + round(self._elapsed_ns)
        self._elapsed_ns += self._period_ns / (1.0 + 1e-6 * self._habits.clock_error_ppm)
        late_s = self._habits.latency_s + self._chance.uniform(0.0, self._habits.jitter_s)
        if self._habits.jitter_s and self._chance.random() < _HICCUP_CHANCE:
            late_s += self._chance.uniform(0.0, 2.0 * self._habits.jitter_s)
        self._delivery_ns = max(stamp_ns + round(late_s * NS_PER_S), self._delivery_ns + 1)
        return Exposure(stamp_ns, self._delivery_ns)


def check_format(device: str, width: int, height: int, fps: int) -> None:
    """Check what a client asks of a camera.

    Raises:
        ConfigError: size or rate are out of range.
    """
    if width not in SIZES or height not in SIZES:
        raise ConfigError(
            f'simulated camera {device} cannot do {width}x{height}; '
            f'both must be {SIZES.start}..{SIZES.stop - 1}'
        )
    if fps not in RATES:
        raise ConfigError(
            f'simulated camera {device} cannot do {fps} fps; '
            f'it must be {RATES.start}..{RATES.stop - 1}'
        )
