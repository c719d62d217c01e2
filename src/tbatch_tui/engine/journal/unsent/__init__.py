"""What has not been sent: what of it is sent once more."""
