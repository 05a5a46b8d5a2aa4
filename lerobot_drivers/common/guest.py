"""Runs a module of this package in another interpreter: ``python guest.py MODULE ...``.

A vendor's SDK may pin what we cannot live with, and then lives in an environment of its
own, where none of our dependencies are. Our folder on that interpreter's path would bring
in everything that is installed beside us, so this package alone is made importable there.
A module that is run so, and what it imports of ours, needs the standard library only.
"""

from __future__ import annotations

import importlib.util
import runpy
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def guest_command(module: str, *arguments: str, python: str | None = None) -> list[str]:
    """Return the command line that runs a module of ours in an interpreter.

    Args:
        module: its full name.
        arguments: what stands behind it.
        python: the interpreter; None is this one.
    """
    # The variables PYTHON* are about this interpreter.
    flags = [] if python in (None, sys.executable) else ['-E']
    return [python or sys.executable, *flags, __file__, module, *arguments]


def main() -> None:
    """Run the module named by the first argument as ``__main__``, with the others."""
    # Python has put our folder first, whose modules would stand for others of their names.
    sys.path.pop(0)
    spec = importlib.util.spec_from_file_location(_PACKAGE.name, _PACKAGE / '__init__.py')
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE.name] = package
    spec.loader.exec_module(package)
    _, module, *arguments = sys.argv
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name='__main__', alter_sys=True)


if __name__ == '__main__':
    main()
