"""The command `tocsin`: the server, and accounts from the shell."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from tocsin import __version__, job
from tocsin.accounts import store
from tocsin.accounts.identity import Identity
from tocsin.accounts.models import NewToken, RoleName, SignIn, TokenScope, UserChange
from tocsin.accounts.service import Accounts
from tocsin.core.clock import SystemClock
from tocsin.core.errors import AppError
from tocsin.core.logs import configure
from tocsin.db.database import Database
from tocsin.db.tx import Actor
from tocsin.http.peer import Peer
from tocsin.keys import forget_secrets
from tocsin.parts import database_url, open_vault
from tocsin.process import StartProblem, prepare_database, serve
from tocsin.settings import Settings, SettingsError, load, unknown_names

T = TypeVar("T")
cli = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Tocsin watches what you run."
)
token_cli = typer.Typer(no_args_is_help=True, help="API tokens.")
user_cli = typer.Typer(no_args_is_help=True, help="Users.")
cli.add_typer(token_cli, name="token")
cli.add_typer(user_cli, name="user")

SHORTEST_PASSWORD = 10
SHELL = Actor("shell")


def main() -> None:
    """Run the command; a known problem is one sentence and exit status 1, never a traceback."""
    try:
        cli()
    except (StartProblem, SettingsError) as exc:
        _fail(str(exc))
    except AppError as exc:
        _fail(exc.message)


def _fail(message: str) -> None:
    print(f"tocsin: {message}", file=sys.stderr)
    raise SystemExit(1)


@cli.command("serve")
def serve_command() -> None:
    """Serve until stopped."""
    settings = _settings()
    serve(settings)


@cli.command()
def migrate() -> None:
    """Bring the database to this version, with a backup first."""
    prepare_database(_settings())
    print("The database is up to date.")


@cli.command("forget-secrets")
def forget_secrets_command() -> None:
    """Blank out URLs and secrets that the key does not open, when the right key is lost for good."""
    settings = _settings()
    vault = open_vault(settings)

    async def forget(db: Database) -> int:
        vault.unlock()
        return await db.write(lambda tx: forget_secrets(tx, vault, SHELL))

    count = _with_database(settings, forget, needs_key=False)
    print(f"Channels and webhooks whose URL has to be set again: {count}")


@cli.command("exec", add_help_option=False)
def exec_command() -> None:
    """Run a job and tell its heartbeat how it went: tocsin exec UUID -- COMMAND."""
    raise SystemExit(job.main())


@cli.command()
def version() -> None:
    """Print the version."""
    print(__version__)


@token_cli.command("create")
def create_token(
    name: Annotated[str, typer.Option(help="What the token is for")],
    scope: Annotated[TokenScope, typer.Option(help="What it may do")] = TokenScope.READ,
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="For how many days; for ever when left out")] = None,
) -> None:
    """Make a token and print it: it is shown this once."""
    wanted = NewToken(name, scope, days)
    _token, secret = _with_accounts(lambda accounts, _db: accounts.create_token(wanted, None, SHELL))
    print(secret)


@token_cli.command("list")
def list_tokens() -> None:
    """List the tokens, without their secrets."""
    for token in _with_accounts(lambda _accounts, db: db.read(store.list_tokens)):
        owner = token.owner.name if token.owner else "shell"
        expires = f"{token.expires_at:%Y-%m-%d}" if token.expires_at else "never"
        print(f"{token.name}\t{token.scope}\t{owner}\t{token.created_at:%Y-%m-%d}\t{expires}")


@token_cli.command("revoke")
def revoke_token(name: Annotated[str, typer.Option(help="The token's name")]) -> None:
    """Revoke a token; it stops working within seconds."""
    _with_accounts(lambda accounts, _db: accounts.revoke_token_named(name, SHELL))
    print(f"Token {name} is revoked.")


@user_cli.command("add")
def add_user(
    name: str,
    role: Annotated[RoleName, typer.Option(help="What the user may do")] = RoleName.VIEWER,
    password: Annotated[str, typer.Option(help="Read from standard input when left out")] = "",
) -> None:
    """Add a user."""
    secret = password or _ask_password()
    _with_accounts(lambda accounts, _db: accounts.add_user(name, role, _checked(secret), SHELL))
    print(f"User {name} may now sign in as {role}.")


@user_cli.command("role")
def change_role(name: str, role: RoleName) -> None:
    """Change what a user may do."""

    async def change(accounts: Accounts, db: Database) -> None:
        user = await db.read(lambda read: store.get_user_by_name(read, name))
        await accounts.change_user(user.id, UserChange(role=role), SHELL)

    _with_accounts(change)
    print(f"User {name} is {role} now.")


@user_cli.command("password")
def change_password(name: str) -> None:
    """Change a password, read from standard input; open sessions of the user end."""
    secret = _ask_password()
    _with_accounts(lambda accounts, _db: accounts.reset_password(name, _checked(secret), SHELL))
    print(f"The password of {name} is changed.")


@user_cli.command("list")
def list_users() -> None:
    """List the users."""
    for user in _with_accounts(lambda _accounts, db: db.read(store.list_users)):
        print(f"{user.name}\t{user.role}")


@user_cli.command("remove")
def remove_user(name: str) -> None:
    """Remove a user and end their sessions."""
    _with_accounts(lambda accounts, _db: accounts.remove_user_named(name, SHELL))
    print(f"User {name} is removed.")


def _settings() -> Settings:
    settings = load()
    configure(settings.log_level, settings.log_format)
    for name in unknown_names():
        print(f"tocsin: {name} is not a setting of Tocsin; see docs/configuration.md", file=sys.stderr)
    return settings


def _with_accounts(use: Callable[[Accounts, Database], Awaitable[T]]) -> T:
    """Run *use* on the accounts of the settings' database."""
    settings, clock = _settings(), SystemClock()

    async def run(db: Database) -> T:
        identity = Identity(
            db,
            clock,
            Peer((), ""),
            sign_in=SignIn.PASSWORD,
            user_header=settings.proxy_user_header,
            admin_user="",
            api_token=None,
        )
        return await use(Accounts(db, clock, identity), db)

    return _with_database(settings, run)


def _with_database(settings: Settings, use: Callable[[Database], Awaitable[T]], *, needs_key: bool = True) -> T:
    """Run *use* on the database of the settings; a server may be running on it."""
    prepare_database(settings, needs_key=needs_key)

    async def run() -> T:
        db = Database(database_url(settings), SystemClock(), lambda _frames: None)
        await db.start()
        try:
            return await use(db)
        finally:
            await db.stop()

    return asyncio.run(run())


def _ask_password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


def _checked(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        _fail(f"A password needs at least {SHORTEST_PASSWORD} characters")
    return password
