"""Training an entrant unless it was trained before: batches, fitting with progress and resume, export."""
