"""The web dashboard: what an operator sees of a running recorder in a browser, and can tell it.

Free of ROS: ``dashboard_node`` brings what it shows and carries away what is said. Needs aiohttp,
the extra ``dashboard``; only ``app``, ``guard`` and ``server`` import it.
"""
