"""The champion: its bundle, and the pointer that says which one it is."""
