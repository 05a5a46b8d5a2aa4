"""Sums the results of all pytest runs into one closing line; fails if any failed."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path


def count(results: Path) -> Counter[str]:
    """Return tests, failures, errors and skipped of all result files in a folder."""
    total: Counter[str] = Counter()
    for file in sorted(results.glob('*.xml')):
        for suite in ElementTree.parse(file).getroot().iter('testsuite'):
            for key in ('tests', 'failures', 'errors', 'skipped'):
                total[key] += int(suite.get(key, 0))
    return total


def main(results: str) -> int:
    """Print the closing line."""
    total = count(Path(results))
    failed = total['failures'] + total['errors']
    passed = total['tests'] - failed - total['skipped']
    sys.stdout.write(f'{passed} passed, {failed} failed, {total["skipped"]} skipped\n')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
