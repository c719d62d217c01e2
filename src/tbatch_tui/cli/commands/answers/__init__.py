"""Commands that tell what answers are: counts, histograms, and where two jobs differ."""
