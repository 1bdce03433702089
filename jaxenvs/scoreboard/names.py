"""Names of environments in addresses and files."""


def slug(env_id: str) -> str:
    """The id as the name of a file: `ALE/Pong-v5` is `ALE--Pong-v5`."""
    return env_id.replace("/", "--").replace(":", "-")
