"""What a grid is, without a scheduler."""
