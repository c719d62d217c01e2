"""What was spent: jobs, months, and what jobs say of models."""
