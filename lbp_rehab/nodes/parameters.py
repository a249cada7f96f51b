"""Parameters of a node as a table: declared, checked at the door and documented from one place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter as RclpyParameter

from lbp_rehab.errors import InputError
from lbp_rehab.parameter_file import BUILT_IN

Value = bool | int | float | str | list[float] | list[str]


@dataclass(frozen=True)
class Parameter:
    """One row of a node's parameter table.

    Attributes
    ----------
    name, description : str
        The description states the unit.
    default : Value
        Its type is the parameter's type.
    minimum, maximum : float, optional
        Closed range of a number.
    choices : tuple of str
        Allowed values of a string; empty: any.
    live : bool
        Whether the parameter may change while the node runs.
    """

    name: str
    default: Value
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False

    def check(self, value: Value) -> None:
        """Raise InputError if the value is outside the range or the choices."""
        if self.choices and value not in self.choices:
            raise InputError(
                f"parameter '{self.name}' is '{value}'; choose one of {', '.join(self.choices)}"
            )
        numbers = value if isinstance(value, list) else [value]
        for number in numbers:
            if isinstance(number, bool) or not isinstance(number, int | float):
                continue
            low = self.minimum is not None and number < self.minimum
            high = self.maximum is not None and number > self.maximum
            if low or high:
                raise InputError(
                    f"parameter '{self.name}' is {number}; it must be between "
                    f"{self.minimum} and {self.maximum}"
                )

    def descriptor(self) -> ParameterDescriptor:
        """Return the ROS descriptor, with the range for tools that draw sliders."""
        descriptor = ParameterDescriptor(description=self.description, read_only=not self.live)
        if self.choices:
            descriptor.additional_constraints = "one of " + ", ".join(self.choices)
        if self.minimum is not None and self.maximum is not None:
            if isinstance(self.default, bool | str | list):
                pass
            elif isinstance(self.default, int):
                descriptor.integer_range = [
                    IntegerRange(from_value=int(self.minimum), to_value=int(self.maximum))
                ]
            else:
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=float(self.minimum), to_value=float(self.maximum))
                ]
        return descriptor


def declare(node: Node, table: Iterable[Parameter]) -> dict[str, Any]:
    """Declare the table on a node and return the values.

    Raises
    ------
    InputError
        If an override names no row of the table, has another type, or is out of range.
    """
    rows = {row.name: row for row in table}
    overrides = {n: p for n, p in node._parameter_overrides.items() if not n.startswith(BUILT_IN)}
    unknown = sorted(set(overrides) - set(rows))
    if unknown:
        raise InputError(
            f"{node.get_name()}: unknown parameter '{unknown[0]}'; known are "
            f"{', '.join(sorted(rows))}"
        )
    values = {}
    for row in rows.values():
        kind = RclpyParameter.Type.from_parameter_value(row.default)
        if row.name in overrides:
            given = overrides[row.name]
            if kind == RclpyParameter.Type.DOUBLE and given.type_ == RclpyParameter.Type.INTEGER:
                # People write 30 for 30.0.
                given = RclpyParameter(row.name, kind, float(given.value))
                node._parameter_overrides[row.name] = given
            if given.type_ != kind:
                raise InputError(
                    f"{node.get_name()}: parameter '{row.name}' must be of type {kind.name}, "
                    f"not {given.type_.name}"
                )
            row.check(given.value)
        value = node.declare_parameter(row.name, row.default, row.descriptor()).value
        values[row.name] = list(value) if isinstance(row.default, list) else value
    return values


def check_change(table: Iterable[Parameter], changed: list[RclpyParameter]) -> SetParametersResult:
    """Judge a change while the node runs; the result carries the sentence that says why not."""
    rows = {row.name: row for row in table}
    for parameter in changed:
        if parameter.name not in rows:
            continue
        try:
            rows[parameter.name].check(parameter.value)
        except InputError as error:
            return SetParametersResult(successful=False, reason=str(error))
    return SetParametersResult(successful=True)


# Of every node that reads exercises by the names that messages carry; the same for all of them.
EXERCISE_FOLDER = Parameter(
    "exercise_folder", "", "folder of own exercise files, looked at before config/exercises"
)


def exercise_folder(settings: dict[str, Any]) -> Path | None:
    """Return the folder of own exercise files, if there is one."""
    text = settings[EXERCISE_FOLDER.name]
    return Path(text).expanduser() if text else None
