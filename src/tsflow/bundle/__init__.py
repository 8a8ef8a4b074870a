"""What a consumer shares with the workflow: the file formats of a published model, and reading them verified."""
