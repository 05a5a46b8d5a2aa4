"""Robotis' Dynamixel X series.

Sources: the e-manual's control tables; names are LeRobot's (``motors/dynamixel/tables.py``).
Words are little endian, in two's complement where they may be negative. Register 126 is the
current where the motor measures that, else the load in 0.1 %; both go by LeRobot's name.
"""

from __future__ import annotations

from lerobot_drivers.motors.control_table import MotorModel, Register


def _eeprom(address: int, size: int = 1, signed: bool = False) -> Register:
    return Register(address, size, persistent=True, signed=signed)


def _word(address: int, signed: bool = True) -> Register:
    return Register(address, 2, signed=signed)


def _double(address: int, signed: bool = True) -> Register:
    return Register(address, 4, signed=signed)


_X_SERIES = {
    'Model_Number': _eeprom(0, 2),
    'Model_Information': _eeprom(2, 4),
    'Firmware_Version': _eeprom(6),
    'ID': _eeprom(7),
    'Baud_Rate': _eeprom(8),
    'Return_Delay_Time': _eeprom(9),
    'Drive_Mode': _eeprom(10),
    'Operating_Mode': _eeprom(11),
    'Secondary_ID': _eeprom(12),
    'Protocol_Type': _eeprom(13),
    'Homing_Offset': _eeprom(20, 4, signed=True),
    'Moving_Threshold': _eeprom(24, 4),
    'Temperature_Limit': _eeprom(31),
    'Max_Voltage_Limit': _eeprom(32, 2),
    'Min_Voltage_Limit': _eeprom(34, 2),
    'PWM_Limit': _eeprom(36, 2),
    'Current_Limit': _eeprom(38, 2),
    'Velocity_Limit': _eeprom(44, 4),
    'Max_Position_Limit': _eeprom(48, 4),
    'Min_Position_Limit': _eeprom(52, 4),
    'Shutdown': _eeprom(63),
    'Torque_Enable': Register(64),
    'LED': Register(65),
    'Status_Return_Level': Register(68),
    'Registered_Instruction': Register(69),
    'Hardware_Error_Status': Register(70),
    'Velocity_I_Gain': _word(76, signed=False),
    'Velocity_P_Gain': _word(78, signed=False),
    'Position_D_Gain': _word(80, signed=False),
    'Position_I_Gain': _word(82, signed=False),
    'Position_P_Gain': _word(84, signed=False),
    'Feedforward_2nd_Gain': _word(88, signed=False),
    'Feedforward_1st_Gain': _word(90, signed=False),
    'Bus_Watchdog': Register(98, signed=True),
    'Goal_PWM': _word(100),
    'Goal_Current': _word(102),
    'Goal_Velocity': _double(104),
    'Profile_Acceleration': _double(108, signed=False),
    'Profile_Velocity': _double(112, signed=False),
    'Goal_Position': _double(116),
    'Realtime_Tick': _word(120, signed=False),
    'Moving': Register(122),
    'Moving_Status': Register(123),
    'Present_PWM': _word(124),
    'Present_Current': _word(126),
    'Present_Velocity': _double(128),
    'Present_Position': _double(132),
    'Velocity_Trajectory': _double(136),
    'Position_Trajectory': _double(140),
    'Present_Input_Voltage': _word(144, signed=False),
    'Present_Temperature': Register(146),
}
_STATE = (
    'Present_Current',
    'Present_Velocity',
    'Present_Position',
    'Present_Input_Voltage',
    'Present_Temperature',
)


def _model(
    name: str, number: int, largest_effort: int = 1000, current_unit_a: float | None = None
) -> MotorModel:
    return MotorModel(
        name,
        number,
        _X_SERIES,
        largest_effort=largest_effort,
        current_unit_a=current_unit_a,
        state=_STATE,
    )


_XL330_A, _XM_A = 0.001, 0.00269
DYNAMIXEL_MODELS = (
    _model('xl330-m077', 1190, 1750, _XL330_A),
    _model('xl330-m288', 1200, 1750, _XL330_A),
    _model('xc330-t181', 1210, 910, _XL330_A),
    _model('xc330-t288', 1220, 910, _XL330_A),
    _model('xl430-w250', 1060),
    _model('xc430-w150', 1070),
    _model('xm430-w350', 1020, 1193, _XM_A),
    _model('xm540-w270', 1120, 2047, _XM_A),
    _model('xh540-w150', 1110, 2047, _XM_A),
)
