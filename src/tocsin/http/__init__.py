"""The edge: everything between a socket and a use case. Imports no slice."""
