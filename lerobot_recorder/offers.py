"""What the publishers of a topic offer, as far as it matters to whoever wants to hear them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """One publisher of a topic.

    Attributes:
        node: its node, absolute.
        msgtype: the type it publishes.
        reliable: what is lost is sent again.
    """

    node: str
    msgtype: str
    reliable: bool
