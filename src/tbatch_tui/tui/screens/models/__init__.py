"""The Models screen: the catalogue, and what the jobs of this account say of each model."""
