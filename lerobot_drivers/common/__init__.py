"""What all four packages share: errors, names, configuration, clock, registry, units."""
