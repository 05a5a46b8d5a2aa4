"""Commands of this package, run by ``lerobot-ros``."""
