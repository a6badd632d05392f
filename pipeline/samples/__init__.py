"""Sample pictures for machines without anyone's own: `python -m pipeline.samples` fills empty input folders."""
