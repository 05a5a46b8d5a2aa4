"""Is this machine fit for recording? Looked at piece by piece, each failure with what to do."""
