"""Ask single requests at once, through the real-time endpoint, before a batch is spent on them."""
