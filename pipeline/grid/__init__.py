"""What a grid is: a study expanded into cells, their identities and their places on disk."""
