"""LeRobot v2.0 and v2.1 datasets in: another reader in front of the same writer.

::

    meta.py      info.json, tasks.jsonl, episodes.jsonl        what the dataset says of itself
    files.py     data/, videos/                                what lies there
    features.py  the entries of info.json against the columns  what the new dataset will hold
    stored.py    footers and headers                           what the files really hold
    survey.py    all of these: one OldDataset, its notices and the episodes that are not whole
    rows.py      one episode's columns, its tasks, its times
    films.py     one episode's videos, their packets copied
    images.py    one episode's pictures that lie in Parquet
    pictures.py, old_statistics.py                             what the statistics need of pictures
    making.py    one episode, all of it, in a working folder
    convert.py   episode after episode through `dataset.importer`
"""
