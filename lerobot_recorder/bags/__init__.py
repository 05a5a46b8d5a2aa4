"""Reading bags: files, records in them, their order in time, their message types.

::

    files.py         a folder or a file -> the parts to read, unpacked if they are compressed
    mcap_storage.py  ┐
    sqlite_storage.py├ one part: its channels, and its messages in the order of their log times
    ros1_storage.py  ┘
    merging.py       several parts, or several chunks of a part, into one order
    definitions.py   message types: the bag's own, given ones, standard ones
    losses.py        what could not be read, and why

Nothing is read that was not asked for, no size is believed that is written in a file, and what
is damaged costs the chunk or the message it is in.
"""
