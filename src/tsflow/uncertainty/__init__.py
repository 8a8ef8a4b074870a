"""How sure an error is, and a forecast: bootstrap, Diebold-Mariano, conformal intervals."""
