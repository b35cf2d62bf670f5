"""What runs the containers, seen from outside: read only, by construction."""
