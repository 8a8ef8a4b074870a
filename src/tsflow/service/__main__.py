"""`python -m tsflow.service`: the service alone, with the keys of TSFLOW_OBJECT_STORE__*; needs no more than the extra `serve`."""

import argparse

from tsflow.client.environment import store_from_environment
from tsflow.service.run import run


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m tsflow.service", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="listen on this address")
    parser.add_argument("--port", type=int, default=8000, help="listen on this port")
    parser.add_argument("--refresh", type=float, default=15.0, help="seconds after which newer ones are looked for")
    arguments = parser.parse_args()
    run(store_from_environment(), host=arguments.host, port=arguments.port, refresh_seconds=arguments.refresh)


if __name__ == "__main__":
    main()
