"""Probes: one look at something on the network. Never raises for the fault of what it looks at; knows no slice."""
