"""Messages back onto the graph, in time: of a bag, of a folder of bags, of a dataset.

::

    segments (a bag, an episode) ─► read ahead ─► Player, on a Timeline ─► play_node ─► topics
"""
