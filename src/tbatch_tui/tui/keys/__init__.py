"""Every key, said once."""
