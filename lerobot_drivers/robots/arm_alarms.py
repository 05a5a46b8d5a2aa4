"""When the motors of an arm are not well: how bad that is, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from lerobot_drivers.common.health import Alarm, Level
from lerobot_drivers.motors.arm_bus import MotorHealth, MotorLimits

HOT_C = 10.0
"""So near to where a motor switches itself off it is told [degC]."""
SAG = 0.85
"""A supply of less than this part of what it was without load is too weak."""
_ADVICE = {
    'overload': 'take the load off it',
    'overheat': 'let it cool',
    'overcurrent': 'take the load off it',
    'voltage': 'check its supply',
    'shock': 'check what it hit, and its gears',
    'encoder': 'check its horn and gears',
    'sensor': 'check its horn and gears',
}


class MotorWatch:
    """Watches the motors of one arm.

    Args:
        names: of the motors, in the order of all that follows.
        limits: beyond what they protect themselves.
        cure: how a motor that did so comes back.
    """

    def __init__(self, names: Sequence[str], limits: Sequence[MotorLimits], cure: str) -> None:
        self._names = list(names)
        self._limits = list(limits)
        self._cure = cure
        self._best = [0.0] * len(self._names)

    def alarms(self, motors: Sequence[MotorHealth]) -> list[Alarm]:
        """Return what is wrong with motors, the worst first."""
        found = []
        for name, limits, motor in zip(self._names, self._limits, motors, strict=True):
            if motor.errors != 'none':
                advice = _ADVICE.get(motor.errors.partition(',')[0], 'look into it')
                text = f'{name}: {motor.errors} ({motor.temperature:.0f} degC, '
                text += f'{motor.voltage:.1f} V); {advice}, {self._cure}'
                found.append(Alarm(Level.ERROR, text))
            elif limits.temperature and motor.temperature >= limits.temperature - HOT_C:
                text = f'{name} is hot: {motor.temperature:.0f} degC, it stops at '
                found.append(Alarm(Level.WARN, f'{text}{limits.temperature:.0f}; let it rest'))
        found += self._supply(motors)
        return sorted(found, key=lambda alarm: -alarm.level)

    def _supply(self, motors: Sequence[MotorHealth]) -> list[Alarm]:
        """Return what is wrong with the supply; one line for all of its motors."""
        self._best = [
            max(best, motor.voltage) for best, motor in zip(self._best, motors, strict=True)
        ]
        rows = list(zip(self._names, self._limits, motors, self._best, strict=True))
        for name, limits, motor, _ in rows:
            low, high = limits.lowest or 0.0, limits.highest or float('inf')
            if not low <= motor.voltage <= high:
                told = f'{motor.voltage:.1f} V, it takes {low:.1f} to {high:.1f}'
                return [Alarm(Level.ERROR, f'supply of {name}: {told}; check the power supply')]
        name, _, motor, best = min(rows, key=lambda row: row[2].voltage / max(row[3], 1e-9))
        if motor.voltage >= SAG * best:
            return []
        told = f'supply of {name} sags to {motor.voltage:.1f} V from {best:.1f}'
        return [Alarm(Level.WARN, f'{told}; a stronger supply or a better cable is needed')]
