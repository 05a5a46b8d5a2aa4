"""Making datasets of datasets: merging, splitting, deleting episodes; nothing is encoded anew.

All of them are one thing: episodes, chosen from one or more datasets, become a new one. What is
large (videos) is shared or copied as it is, or cut between packets; what is small is written anew.
"""
