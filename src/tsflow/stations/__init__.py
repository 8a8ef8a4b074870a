"""Where observations come from: station files, sources, parsing, the simulator."""
