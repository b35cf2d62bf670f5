"""Storage: one writer with group commit, many readers, the journal and its reactions, migrations, retention."""
