"""Key-values for diagnostics, from what an arm read last."""

from __future__ import annotations

from collections.abc import Sequence

from lerobot_drivers.motors.bus_statistics import BusStatistics
from lerobot_drivers.motors.motors_bus import BusState
from lerobot_drivers.motors.packet import StatusError

CURRENT_UNIT_A = 0.0065
"""Of Present_Current of STS motors [A]."""

_KNOWN_BITS = sum(StatusError)


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


def motor_health(names: Sequence[str], state: BusState) -> dict[str, str | float]:
    """Return voltage [V], temperature [degC], load [-1..1], current [A] and errors by joint."""
    values: dict[str, str | float] = {}
    for index, name in enumerate(names):
        counts = {key: int(column[index]) for key, column in state.registers.items()}
        values[f'{name}.voltage'] = counts['Present_Voltage'] / 10
        values[f'{name}.temperature'] = float(counts['Present_Temperature'])
        values[f'{name}.load'] = counts['Present_Load'] / 1000
        values[f'{name}.current'] = counts['Present_Current'] * CURRENT_UNIT_A
        values[f'{name}.errors'] = error_names(int(state.errors[index]) | counts['Status'])
    return values


def error_names(bits: int) -> str:
    """Return the names of error bits, ``none`` if none is set."""
    names = [error.name.lower() for error in StatusError if error & bits and error.name]
    unknown = bits & ~_KNOWN_BITS
    if unknown:
        names.append(f'unknown 0x{unknown:02x}')
    return ', '.join(names) or 'none'
