"""The object store: immutable objects, pointers swapped by If-Match, and how values become bytes."""
