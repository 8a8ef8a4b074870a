"""Every stored thing as a typed model that knows its key; the store of records."""
