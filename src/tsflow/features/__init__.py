"""What a model reads of a window: channels (series, row by row) and tables (one row a window), named in YAML."""
