"""Who may still owe replies, and how to prove that nobody does.

A reply carries its motor's id and length and no number, so that one that comes after its
request was given up could answer any later request of the same length. Hence every request
is a debt of the motors asked until it is answered, and a motor in debt is asked nothing but
a *fence* first: a read of a length that is used for nothing else. Motor, adapter and host
each keep the order of what passes them. Once a reply of the fence's length has come, all
that was asked before the first copy of that fence has come too, or never will, however
late it was. When the fence had to be repeated, its other copies are still owed; then a fence
of the second length follows, until one was sent just once and answered: nothing is owed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

FENCE_LENGTHS = (16, 17)
"""Of no other reply, nor of an echoed request taken for one. An echoed fence itself would be
a word of 4096 and more, which is no position: an adapter is not taken for one that echoes."""


@dataclass(frozen=True)
class Debt:
    """What one motor may owe: anything but replies to a fence that has not been sent.

    Attributes:
        fence: index of the fence's length.
        copies: how often that fence has been sent.
        failed: whether a request failed, else only nothing is known of the time before.
    """

    fence: int = 0
    copies: int = 0
    failed: bool = True

    @property
    def length(self) -> int:
        """Of the fence to be sent."""
        return FENCE_LENGTHS[self.fence]

    def sent(self) -> Debt:
        """Return the debt with one more copy of the fence under way."""
        return replace(self, copies=self.copies + 1)

    def answered(self) -> Debt | None:
        """Return what is owed once a copy of the fence was answered; None is nothing."""
        if self.copies == 1:
            return None
        return replace(self, fence=1 - self.fence, copies=0)
