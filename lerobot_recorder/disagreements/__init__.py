"""What in a bag does not go together: names, units, clocks, rates, values that stand still.

``signals`` listens to the streams that are recorded, the other modules judge what it heard; each
finding is one line with topic or joint, what was found, what was expected and what to do.
"""
