"""Training an entrant: batches, fitting with progress and resume, export."""
