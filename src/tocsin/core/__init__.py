"""What every slice stands on: time, errors, events, the hub, timed work. Knows no slice."""
