"""From a bag to episodes of a dataset: what is in it, where to cut it, what became of it."""
