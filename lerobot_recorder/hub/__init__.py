"""A dataset's way to the Hugging Face Hub, beside the recording and never in it.

::

    recorder ──on_durable──► companion ──"look again"──► worker process ──► Hub   (while recording)
    lerobot-ros record|upload ──────────────────────────► worker process ──► Hub   (afterwards)

The worker looks at the folder and at the Hub, and sends what is missing there: contents first,
then one commit, so that the Hub holds a dataset that loads, or none, at every moment. It keeps
nothing between two runs, so that one that was killed goes on where it was.
"""
