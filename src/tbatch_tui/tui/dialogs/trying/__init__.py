"""Ask requests at once from a screen: the price before, the answer beside the request, and what it means."""
