"""What nobody needs any more goes: what is kept is found first, then what is due, and only then is anything removed."""
