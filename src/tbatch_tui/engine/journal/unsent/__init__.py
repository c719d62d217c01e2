"""What has not been sent: what of it is sent once more, and what waits as the history was copied."""
