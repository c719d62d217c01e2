"""Where each row of the result files is, joined with its request."""
