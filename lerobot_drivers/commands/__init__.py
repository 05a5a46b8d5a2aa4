"""Commands that need nothing but drivers."""
