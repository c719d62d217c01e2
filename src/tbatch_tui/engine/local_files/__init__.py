"""Files on this machine: fingerprints, names, and atomic writes."""
