"""What tests need to talk to real things."""
