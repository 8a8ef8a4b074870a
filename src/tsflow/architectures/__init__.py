"""Named recipes of forecasters: one file a family, one YAML an architecture, and the registry that joins them."""
