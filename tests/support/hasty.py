"""The command `tocsin` with the waits of notifications in fractions of what they are: for storms of many rounds."""

from datetime import timedelta

from tocsin.channels import rules
from tocsin.cli import main
from tocsin.core import retries, sending

retries.WAITS_S = (0.05, 0.1, 0.2)  # type: ignore[assignment]
retries.LATER_S = 0.3
rules.FIRST_WAIT = timedelta(seconds=0.1)
rules.MERGE_FOR = timedelta(seconds=0.3)
sending.TIMEOUT_S = 0.5
main()
