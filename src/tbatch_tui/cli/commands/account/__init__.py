"""The commands about the account: models and spending."""
