"""The signing key of a deployment without a SECRET_KEY."""

import hashlib


def derived_secret_key(database: str, user: str, password: str) -> str:
    """Derives a SECRET_KEY from the one secret that every deployment has, the database's password.

    All processes derive the same key, so sessions survive restarts; with a random key they would not.
    scrypt makes it slow to guess the password from a signed cookie, and takes about 50 ms at each start.
    Changing the password signs everyone out.
    """
    salt = f"devops_001 signing key for {user} at {database}".encode()
    return hashlib.scrypt((password or "").encode(), salt=salt, n=2**14, r=8, p=1, dklen=48).hex()
