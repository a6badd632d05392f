"""The sample style pictures, painted by the project itself."""
