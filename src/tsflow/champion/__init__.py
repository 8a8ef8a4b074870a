"""The champion: what goes out, its bundle and card, and the pointer that says which one it is."""
