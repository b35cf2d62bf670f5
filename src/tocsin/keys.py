"""The key, and what was sealed with it: checked at the start, and given up when the key is lost for good."""

from tocsin.channels import store as channel_store
from tocsin.core.vault import Vault, VaultError
from tocsin.db.tx import Actor, Read, Tx
from tocsin.webhooks import store as webhook_store

WRONG_KEY = (
    "The stored secrets cannot be read: secret.key, or TOCSIN_SECRET_KEY, is not the one they were made with. Bring it"
    " back, or run `tocsin forget-secrets` and set the URLs of channels and webhooks again"
)


def check_key(read: Read, vault: Vault) -> None:
    """Raises VaultError: there are secrets, and the key opens none of them."""
    sealed = [*channel_store.list_sealed(read).values(), *webhook_store.list_sealed(read).values()]
    if sealed and not any(vault.opens(*parts) for parts in sealed):
        raise VaultError(WRONG_KEY)


def forget_secrets(tx: Tx, vault: Vault, actor: Actor) -> int:
    """Blank out what the key does not open; return how many channels and webhooks have to be set up again."""
    blank = vault.encrypt("")
    channels = [one for one, parts in channel_store.list_sealed(tx).items() if not vault.opens(*parts)]
    webhooks = [one for one, parts in webhook_store.list_sealed(tx).items() if not vault.opens(*parts)]
    for channel_id in channels:
        channel_store.blank_out(tx, channel_id, blank)
    for webhook_id in webhooks:
        webhook_store.blank_out(tx, webhook_id, blank)
    tx.audit(actor, "secrets.forget", "secrets", {"channels": channels, "webhooks": webhooks})
    return len(channels) + len(webhooks)
