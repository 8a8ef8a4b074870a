"""What nobody needs any more goes; what may still be needed is found first."""
