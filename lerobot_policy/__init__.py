"""Policies on the same graph: seeing as the recorder does, asking the mux."""
