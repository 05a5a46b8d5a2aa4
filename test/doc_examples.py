"""The examples in the documentation, for tests that run them."""

from __future__ import annotations

import re

from source_files import ROOT

PROCESSORS = ROOT / 'docs' / 'processors.md'


def example(name: str) -> str:
    """Return the code below ``<!-- test: NAME -->``."""
    pattern = rf'<!-- test: {re.escape(name)} -->\n```\w+\n(.*?)^```$'
    (found,) = re.findall(pattern, PROCESSORS.read_text(encoding='utf-8'), re.M | re.S)
    return str(found)
