"""From a dataset to a bag: rows, side tables, pictures and facts as messages again.

::

    DatasetReader ─► outline ─► row_messages, native_messages, picture_messages, fact_messages
                                └► episode_messages, in the order of their times ─► bag, player
"""
