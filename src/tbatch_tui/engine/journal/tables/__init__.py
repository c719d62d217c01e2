"""What is stored, one module a subject. `Journal` holds one object of each."""
