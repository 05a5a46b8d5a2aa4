"""Many bags into one dataset: found, checked, converted by several processes, joined."""
