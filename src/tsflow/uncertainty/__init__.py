"""How sure an error is, and a forecast: intervals of means, verdicts, the gate's bootstrap, conformal and adaptive intervals."""
