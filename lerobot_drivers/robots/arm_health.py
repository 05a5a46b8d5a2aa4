"""Key-values for diagnostics, from what an arm read last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from lerobot_drivers.motors.arm_bus import ArmBus, MotorHealth
from lerobot_drivers.motors.bus_statistics import BusStatistics
from lerobot_drivers.motors.motors_bus import BusState
from lerobot_drivers.robots.arm_plan import ArmPlan
from lerobot_drivers.robots.shadows import apart


def bus_health(port: str | None, statistics: BusStatistics) -> dict[str, str | float]:
    """Return what happened on a bus so far."""
    return {
        'port': port or 'none',
        'transactions': float(statistics.transactions),
        'retries': float(statistics.retries),
        'timeouts': float(statistics.timeouts),
        'corrupt': float(statistics.corrupt),
        'failures': float(statistics.failures),
        'resynchronized': float(statistics.resynchronized),
        'latency_ms': statistics.last_duration_ns / 1e6,
        'max_latency_ms': statistics.max_duration_ns / 1e6,
    }


def motor_health(names: Sequence[str], motors: Sequence[MotorHealth]) -> dict[str, str | float]:
    """Return voltage [V], temperature [degC], load [-1..1], current [A] and errors by joint."""
    return {
        f'{name}.{key}': value
        for name, motor in zip(names, motors, strict=True)
        for key, value in asdict(motor).items()
        if value is not None
    }


def arm_health(plan: ArmPlan, bus: ArmBus, state: BusState) -> dict[str, str | float]:
    """Return how each motor is, and how far shadows are from theirs [deg]."""
    names = list(plan.motors)
    ticks = state.registers['Present_Position'].tolist()
    found = apart(plan, dict(zip(names, ticks, strict=True)))
    told = {f'{name}.apart_deg': degrees for name, degrees in found.items()}
    return {**motor_health(names, bus.motor_health(state)), **told}
