"""The command `tocsin`, also as `python -m tocsin`."""

import sys


def main() -> None:
    """Run the command. `exec` starts with every job: it must not wait for the whole program to be loaded."""
    if sys.argv[1:2] == ["exec"]:
        from tocsin.job import main as run_job

        raise SystemExit(run_job())
    from tocsin.cli import main as run

    run()


if __name__ == "__main__":
    main()
