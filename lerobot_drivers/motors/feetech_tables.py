"""Feetech's motors: STS and SMS series, SCS series.

Sources: Feetech's memory tables, and for the SCS series its ``SCSCL`` library; names are LeRobot's
(``motors/feetech/tables.py``).
"""

from __future__ import annotations

from lerobot_drivers.motors.control_table import MotorModel, Register


def _eeprom(address: int, size: int = 1, sign_bit: int | None = None) -> Register:
    return Register(address, size, sign_bit, persistent=True)


_COMMON = {
    'Firmware_Major_Version': _eeprom(0),
    'Firmware_Minor_Version': _eeprom(1),
    'Model_Number': _eeprom(3, 2),
    'ID': _eeprom(5),
    'Baud_Rate': _eeprom(6),
    'Return_Delay_Time': _eeprom(7),
    'Response_Status_Level': _eeprom(8),
    'Min_Position_Limit': _eeprom(9, 2),
    'Max_Position_Limit': _eeprom(11, 2),
    'Max_Temperature_Limit': _eeprom(13),
    'Max_Voltage_Limit': _eeprom(14),
    'Min_Voltage_Limit': _eeprom(15),
    'Max_Torque_Limit': _eeprom(16, 2),
    'Unloading_Condition': _eeprom(19),
    'LED_Alarm_Condition': _eeprom(20),
    'P_Coefficient': _eeprom(21),
    'D_Coefficient': _eeprom(22),
    'I_Coefficient': _eeprom(23),
    'Minimum_Startup_Force': _eeprom(24, 2),
    'CW_Dead_Zone': _eeprom(26),
    'CCW_Dead_Zone': _eeprom(27),
    'Torque_Enable': Register(40),
    'Acceleration': Register(41),
    'Present_Voltage': Register(62),
    'Present_Temperature': Register(63),
    'Status': Register(65),
    'Moving': Register(66),
}

_STS = {
    **_COMMON,
    'Phase': _eeprom(18),
    'Protection_Current': _eeprom(28, 2),
    'Angular_Resolution': _eeprom(30),
    'Homing_Offset': _eeprom(31, 2, sign_bit=11),
    'Operating_Mode': _eeprom(33),
    'Protective_Torque': _eeprom(34),
    'Protection_Time': _eeprom(35),
    'Overload_Torque': _eeprom(36),
    'Over_Current_Protection_Time': _eeprom(38),
    'Goal_Position': Register(42, 2, sign_bit=15),
    'Goal_Time': Register(44, 2, sign_bit=10),
    'Goal_Velocity': Register(46, 2, sign_bit=15),
    'Torque_Limit': Register(48, 2),
    'Lock': Register(55),
    'Present_Position': Register(56, 2, sign_bit=15),
    'Present_Velocity': Register(58, 2, sign_bit=15),
    'Present_Load': Register(60, 2, sign_bit=10),
    'Present_Current': Register(69, 2, sign_bit=15),
    'Maximum_Velocity_Limit': _eeprom(84),
    'Maximum_Acceleration': _eeprom(85),
    'Acceleration_Multiplier': _eeprom(86),
}

_SCS = {
    **_COMMON,
    'Protective_Torque': _eeprom(37),
    'Protection_Time': _eeprom(38),
    'Goal_Position': Register(42, 2),
    'Running_Time': Register(44, 2),
    'Goal_Velocity': Register(46, 2),
    'Lock': Register(48),
    'Present_Position': Register(56, 2),
    'Present_Velocity': Register(58, 2, sign_bit=15),
    'Present_Load': Register(60, 2, sign_bit=10),
}

_SCS_STATE = (
    'Present_Position',
    'Present_Velocity',
    'Present_Load',
    'Present_Voltage',
    'Present_Temperature',
    'Status',
    'Moving',
)
_STS_STATE = (*_SCS_STATE, 'Present_Current')


def _sts(name: str, number: int, *, sync_read: bool = True) -> MotorModel:
    return MotorModel(
        name, number, _STS, current_unit_a=0.0065, sync_read=sync_read, state=_STS_STATE
    )


FEETECH_MODELS = (
    _sts('sts3215', 777),
    _sts('sts3250', 2825),
    # LeRobot reads it apart from the others on its bus.
    _sts('sm8512bl', 11272, sync_read=False),
    MotorModel(
        'scs0009',
        1284,
        _SCS,
        resolution=1024,
        reach_deg=300.0,
        byte_order='big',
        sync_read=False,
        broadcast_ping=False,
        state=_SCS_STATE,
    ),
)
