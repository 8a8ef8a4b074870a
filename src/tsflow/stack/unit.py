"""A systemd user unit that keeps the stack up, also after a reboot.

Format: https://www.freedesktop.org/software/systemd/man/systemd.service.html
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from tsflow.errors import StackError
from tsflow.folders import home, state_dir
from tsflow.stack.places import private_dir, write_private

NAME = "tsflow.service"


def unit_file() -> Path:
    """Return where systemd looks for a user's units."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "systemd" / "user" / NAME


def unit() -> str:
    """Return the unit's text; settings that may hold secrets stand in a file that only its owner reads."""
    program = Path(sys.executable).parent / "tsflow"
    return f"""[Unit]
Description=tsflow: object store and Airflow of {_escaped(str(home()))}
After=network.target

[Service]
Type=exec
ExecStart="{_escaped(str(program))}" up --stay
EnvironmentFile={_escaped(str(_environment_file()))}
WorkingDirectory={_escaped(str(home()))}
Restart=always
RestartSec=10
KillMode=mixed
TimeoutStopSec=120
UMask=0077

[Install]
WantedBy=default.target
"""


def install(keys: Collection[str] = ()) -> Path:
    """Write the unit and let systemd start it now and at each login; return the unit's file.

    `keys`: environment variables of this shell that stations' sources ask for.

    Raises
    ------
    StackError
        If this machine has no systemd, or it refuses.
    """
    if shutil.which("systemctl") is None:
        msg = "this machine has no systemctl, so no systemd that could keep the stack up; let your service manager run "
        msg += "`tsflow up --stay`, which brings back what dies until it is stopped"
        raise StackError(msg)
    write_private(_environment_file(), _variables(os.environ, keys))
    path = unit_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(unit(), encoding="utf-8")
    _systemctl("daemon-reload")
    _systemctl("enable", NAME)
    _systemctl("restart", NAME)  # one that runs has the settings of another shell
    return path


def uninstall() -> None:
    """Stop the unit and remove it; the data stay."""
    if shutil.which("systemctl") is not None and unit_file().exists():
        _systemctl("disable", "--now", NAME)
    unit_file().unlink(missing_ok=True)
    _environment_file().unlink(missing_ok=True)


def _environment_file() -> Path:
    return private_dir() / "service.env"


def _variables(environment: Mapping[str, str], keys: Collection[str] = ()) -> str:
    """Return settings of this shell, tsflow's and Airflow's, its proxies and keys, as the unit's process starts without them."""
    known = {name: value for name, value in environment.items() if name.startswith(("TSFLOW_", "AIRFLOW__"))}
    known |= {name: value for name, value in environment.items() if name.lower().endswith("_proxy") or name in keys}
    known |= {"TSFLOW_HOME": str(home()), "TSFLOW_STATE": str(state_dir())}
    return "".join(f'{name}="{_quoted(value)}"\n' for name, value in sorted(known.items()))


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _escaped(text: str) -> str:
    return text.replace("%", "%%")  # systemd's own placeholders begin with a per cent sign


def _systemctl(*arguments: str) -> None:
    done = subprocess.run(["systemctl", "--user", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        msg = f"`systemctl --user {' '.join(arguments)}` failed: {said}; the unit is {unit_file()}"
        raise StackError(msg)
