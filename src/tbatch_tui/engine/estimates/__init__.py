"""What a file may cost, with what earlier jobs of the same model and prompt used."""
