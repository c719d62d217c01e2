"""What the person set: flags, environment, config.toml and defaults."""
