"""Letters as large as five lines, to be read from two metres."""

from __future__ import annotations

HEIGHT = 5
_BLOCK = '██'
_PIXELS = {
    '0': '75557', '1': '26227', '2': '71747', '3': '71717', '4': '55711', '5': '74717',
    '6': '74757', '7': '71122', '8': '75757', '9': '75717', 'A': '25755', 'B': '65656',
    'C': '74447', 'D': '65556', 'E': '74647', 'F': '74644', 'G': '74557', 'H': '55755',
    'I': '72227', 'J': '11157', 'K': '55655', 'L': '44447', 'M': '57755', 'N': '65555',
    'O': '25552', 'P': '75744', 'Q': '25573', 'R': '65655', 'S': '34716', 'T': '72222',
    'U': '55557', 'V': '55552', 'W': '55775', 'X': '55255', 'Y': '55222', 'Z': '71247',
    '.': '00002', ':': '02020', '/': '11244', '-': '00700', ' ': '00000',
}  # fmt: skip
"""Each row of a letter as an octal digit, three pixels of two columns."""


def big_text(text: str) -> list[str]:
    """Return a text as five lines of blocks; what has no letter is left out."""
    letters = [_PIXELS[letter] for letter in text.upper() if letter in _PIXELS]
    return ['  '.join(_row(int(letter[row])) for letter in letters) for row in range(HEIGHT)]


def _row(bits: int) -> str:
    return ''.join(_BLOCK if bits & bit else '  ' for bit in (4, 2, 1))
